// Verifies messages as a receiver does: node verify.mjs <file of [{ secret, headers, body }]>. WebhookTests.cs uses it.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const messages = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const { secret, headers, body } of messages) {
  const event = new Webhook(secret).verify(body, headers);
  if (typeof event.type !== "string" || typeof event.data.user_id !== "number") throw new Error(`No event: ${body}`);
  let isForged = false;
  try {
    new Webhook(secret).verify(body.replace("user_id", "user_iD"), headers);
    isForged = true;
  } catch {
    // Refused, as it must be.
  }
  if (isForged) throw new Error("A changed body was accepted.");
}
console.log(`${messages.length} verified`);
