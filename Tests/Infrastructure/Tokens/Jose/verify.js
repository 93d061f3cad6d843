// Verifies tokens as another service does, by nothing but the address of the keys. Reads one token a line, and answers each with its sub
// and kid, or with the error's code.
import { createInterface } from "node:readline";
import { calculateJwkThumbprint, createRemoteJWKSet, jwtVerify } from "jose";

const address = new URL(process.argv[2]);
const keys = createRemoteJWKSet(address, { cooldownDuration: 0 });
for (const key of (await (await fetch(address)).json()).keys) {
  if (await calculateJwkThumbprint(key) !== key.kid) throw new Error(`${key.kid} is not the thumbprint`);
}
for await (const token of createInterface({ input: process.stdin })) {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer: "profiles", audience: "profiles", typ: "at+jwt", algorithms: ["ES256"], requiredClaims: ["sub", "exp", "iat", "jti", "client_id"],
    });
    console.log(`${payload.sub} ${protectedHeader.kid}`);
  } catch (error) {
    console.log(error.code);
  }
}
