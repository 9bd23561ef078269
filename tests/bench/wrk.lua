-- One line that is easy to parse: responses, microseconds, 99th percentile in microseconds, failed requests.
function done(summary, latency)
  local wrong = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout
  print(string.format("RESULT %d %d %d %d", summary.requests, summary.duration, latency:percentile(99), wrong))
end
