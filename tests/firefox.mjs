// One tab of Firefox, driven over WebDriver BiDi. Reads commands as lines of JSON from standard input
// and writes one line for each: { value } or { error }.
//
// usage: node firefox.mjs MODULES      where puppeteer-core is
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const PATIENCE = 120_000; // milliseconds to start and to load a page, on a busy machine
const puppeteer = createRequire(`${process.argv[2]}/`)("puppeteer-core");
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: "/usr/bin/firefox-esr",
  headless: true,
  timeout: PATIENCE,
  // Not by page.setViewport, for which puppeteer needs a newer Firefox than Debian 12 was released with.
  defaultViewport: null,
  args: ["--width=1100", "--height=900"],
  extraPrefsFirefox: {
    "app.update.disabledForTesting": true,
    "datareporting.policy.dataSubmissionEnabled": false,
    "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false,
  },
});
let page;
let complaints;

const commands = {
  async open() {
    await page?.close();
    complaints = [];
    page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (message) => message.type() !== "log" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
  },
  goto: async (url) => void (await page.goto(url)),
  evaluate: (expression) => page.evaluate(expression),
  evaluateInFrames: (expression) => Promise.all(page.frames().slice(1).map((frame) => frame.evaluate(expression))),
  complaints: () => complaints,
};

console.log(JSON.stringify({ value: await browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
  const [name, argument] = JSON.parse(line);
  try {
    console.log(JSON.stringify({ value: await commands[name](argument) }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
await browser.close();
