// What a page in Chromium sees of WebSockets that the server refuses by a close code.
//   node refusal.mjs URL
// Prints the codes and reasons by the subprotocols that were offered, as JSON.
import { launch } from "./chromium.mjs";

const OFFERS = [[], ["chat"], ["other", "chat"]];
const [url] = process.argv.slice(2);

const browser = await launch();
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(110_000);
  await page.goto(url);
  console.log(JSON.stringify(await page.evaluate((offers) => Promise.all(offers.map((offer) => new Promise((resolve) => {
    const socket = new WebSocket(location.origin.replace("http", "ws") + "/closed", offer);
    socket.onclose = ({ code, reason }) => resolve({ offer: offer.join(), protocol: socket.protocol, code, reason });
  }))), OFFERS)));
} finally {
  await browser.close();
}
