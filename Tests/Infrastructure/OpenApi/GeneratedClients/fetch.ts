import createClient from "openapi-fetch";
import type { paths } from "./generated/schema.js";
import { answered, baseUrl, equal, photo, someone } from "./given.js";

const client = createClient<paths>({ baseUrl });

const registered = answered(await client.POST("/register", { body: someone }));
equal("id" in registered, true);
const tokens = answered(await client.POST("/login", { body: { email: someone.email, password: someone.password, device: "A test" } }));
equal(tokens.token_type, "Bearer");
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${tokens.access_token}`);
  },
});

const form = new FormData();
form.set("image", photo);
const uploaded = answered(await client.POST("/me/upload-image", { body: {} as never, bodySerializer: () => form }));
equal(typeof uploaded.image.variants["96"], "string");

const patched = answered(await client.PATCH("/me", {
  body: { bio: "Climbs things.", metadata: { theme: "dark" } },
  headers: { "Content-Type": "application/merge-patch+json" },
}));
equal(patched.bio, "Climbs things.");
equal(patched.image?.url, uploaded.image.url);

const refused = await client.PATCH("/me", { body: { username: "x" }, headers: { "Content-Type": "application/merge-patch+json" } });
equal(refused.error?.code, "username_wrong_length");
