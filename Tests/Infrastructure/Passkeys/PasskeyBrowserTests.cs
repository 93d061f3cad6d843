using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;

namespace Profiles.Tests.Infrastructure.Passkeys;

/// <summary>Makes and uses passkeys as people do, in Chromium with its virtual authenticator, on a server process.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class PasskeyBrowserTests
{
    // The calls of docs/signing-in.md.
    const string Script = """
        async function post(path, body, token) {
          const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
          const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
          return { status: answer.status, ...await answer.json() };
        }
        async function addPasskey(token, name) {
          const options = await post("/passkeys/registration/options", {}, token);
          const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
          const credential = await navigator.credentials.create({ publicKey });
          return post("/passkeys/registration/verify", { credential: credential.toJSON(), name }, token);
        }
        async function logIn(device) {
          const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await post("/passkeys/authentication/options", {}));
          const credential = await navigator.credentials.get({ publicKey });
          return post("/passkeys/authentication/verify", { credential: credential.toJSON(), device });
        }
        const named = promise => promise.catch(error => ({ status: error.name }));
        """;

    // Members of the answers for the transcript.
    static readonly string[] Told = ["name", "code", "token_type"];

    [Fact]
    public async Task A_passkey_is_made_and_logs_in_and_a_copy_of_it_and_a_strange_page_do_not()
    {
        var (port, cancellation) = (FreePort.Take(), TestContext.Current.CancellationToken);
        var address = $"http://localhost:{port}";
        await using var server = await ServerProcess.StartAsync(("ASPNETCORE_URLS", address), ("PublicBaseUrl", address));
        await (await server.Client.PostAsJsonAsync("/register",
            new { name = "John Doe", email = "john@example.com", password = "correct horse battery staple" }, cancellation))
            .ShouldBeAsync(HttpStatusCode.Created);
        var token = (await (await server.Client.PostAsJsonAsync("/login",
            new { email = "john@example.com", password = "correct horse battery staple" }, cancellation))
            .ShouldBeAsync(HttpStatusCode.OK)).GetProperty("access_token").GetString();

        var loaded = $"/proc/{server.ProcessId}/maps";
        File.ReadAllText(loaded).ShouldNotContain("Fido2", customMessage: "Those without passkeys pay for none.");
        await using var browser = await Browser.StartAsync(server.Address);
        var page = browser.Page;
        await page.RouteAsync($"{address}/fixture", route => route.FulfillAsync(
            new() { ContentType = "text/html", Body = $"<!doctype html><title>Passkeys</title><script>{Script}</script>" }));
        await page.GotoAsync($"{address}/fixture");
        var devices = await page.Context.NewCDPSessionAsync(page);
        await devices.SendAsync("WebAuthn.enable");
        var phone = await AddDeviceAsync(devices);

        var added = await RunAsync(page, "addPasskey(argument, 'Chromium')", token);
        added.GetProperty("status").GetInt32().ShouldBe(201);
        File.ReadAllText(loaded).ShouldContain("Fido2");
        (added.GetProperty("name").GetString(), string.Join(' ', added.GetProperty("transports").EnumerateArray()))
            .ShouldBe(("Chromium", "internal"));
        // The authenticator has it already.
        (await RunAsync(page, "addPasskey(argument, 'Again')", token)).GetProperty("status").GetString().ShouldBe("InvalidStateError");
        var login = await RunAsync(page, "logIn('Laptop')");
        login.GetProperty("status").GetInt32().ShouldBe(200);
        (await RunAsync(page, "logIn('Laptop')")).GetProperty("status").GetInt32().ShouldBe(200);
        browser.Complaints.ShouldBeEmpty();
        using (var session = new HttpRequestMessage(HttpMethod.Get, "/me"))
        {
            session.Headers.Authorization = new("Bearer", login.GetProperty("access_token").GetString());
            (await (await server.Client.SendAsync(session, cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("email").GetString()
                .ShouldBe("john@example.com");
        }

        // A person who does not verify themselves.
        await SetVerifiedAsync(false);
        (await RunAsync(page, "logIn('Laptop')")).GetProperty("status").GetString().ShouldBe("NotAllowedError");
        await SetVerifiedAsync(true);

        // The page in a frame of another's.
        var strange = $"http://127.0.0.1:{port}/strange";
        await page.RouteAsync(strange, route => route.FulfillAsync(new()
        {
            ContentType = "text/html",
            Body = $"<!doctype html><iframe src='{address}/fixture' allow='publickey-credentials-get *'></iframe>",
        }));
        await page.GotoAsync(strange);
        var frame = page.Frames.Single(f => f.Url == $"{address}/fixture");
        var framed = await RunAsync(frame, "logIn('Laptop')");
        (framed.GetProperty("status").ToString(), framed.GetProperty("code").GetString()).ShouldBe(("401", "invalid_passkey"));

        // A copy of the key, with the counter that it had at its theft.
        await page.GotoAsync($"{address}/fixture");
        var stolen = (await devices.SendAsync("WebAuthn.getCredentials", Arguments(("authenticatorId", phone))))!.Value
            .GetProperty("credentials")[0];
        (await RunAsync(page, "logIn('Laptop')")).GetProperty("status").GetInt32().ShouldBe(200);
        await devices.SendAsync("WebAuthn.removeVirtualAuthenticator", Arguments(("authenticatorId", phone)));
        var thief = await AddDeviceAsync(devices);
        await devices.SendAsync("WebAuthn.addCredential", Arguments(("authenticatorId", thief), ("credential", stolen)));
        var refused = await RunAsync(page, "logIn('Thief')");
        (refused.GetProperty("status").GetInt32(), refused.GetProperty("code").GetString()).ShouldBe((401, "invalid_passkey"));

        Task SetVerifiedAsync(bool isVerified) => devices.SendAsync(
            "WebAuthn.setUserVerified", Arguments(("authenticatorId", phone), ("isUserVerified", isVerified)));
    }

    static async Task<string> AddDeviceAsync(ICDPSession devices)
    {
        var options = new Dictionary<string, object>
        {
            ["protocol"] = "ctap2",
            ["transport"] = "internal",
            ["hasResidentKey"] = true,
            ["hasUserVerification"] = true,
            ["isUserVerified"] = true,
            ["automaticPresenceSimulation"] = true,
        };
        return (await devices.SendAsync("WebAuthn.addVirtualAuthenticator", Arguments(("options", options))))!.Value
            .GetProperty("authenticatorId").GetString()!;
    }

    static Dictionary<string, object> Arguments(params (string Name, object Value)[] arguments) =>
        arguments.ToDictionary(a => a.Name, a => a.Value);

    static Task<JsonElement> RunAsync(IPage page, string call, string? argument = null) => RunAsync(page.MainFrame, call, argument);

    static async Task<JsonElement> RunAsync(IFrame frame, string call, string? argument = null)
    {
        var answer = await frame.EvaluateAsync<JsonElement>($"argument => named({call})", argument);
        TestContext.Current.TestOutputHelper?.WriteLine($"{frame.Url}: {call} -> {answer.GetProperty("status")} "
            + string.Concat(Told.Select(n => answer.TryGetProperty(n, out var value) ? $"{value}" : "")));
        return answer;
    }
}
