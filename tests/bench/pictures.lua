-- Requests pictures, each with a colour of its own, so that none is in a cache.
function request()
  return wrk.format("GET", string.format("%s&accent=%06x", wrk.path, math.random(0, 0xffffff)))
end

local folder = debug.getinfo(1, "S").source:match("@(.*/)")
dofile(folder .. "wrk.lua")
