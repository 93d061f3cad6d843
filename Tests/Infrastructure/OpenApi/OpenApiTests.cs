using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Tests.Infrastructure.OpenApi;

[Trait("Database", "Sqlite")]
public sealed class OpenApiTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_document_is_the_committed_one() => await ShouldBeCommittedAsync(await ReadAsync(), "openapi.v1.json");

    internal static async Task ShouldBeCommittedAsync(JsonNode document, string file)
    {
        var golden = GoldenFile(file);
        if (Environment.GetEnvironmentVariable("PROFILES_RENEW_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(golden, document.ToJsonString(Indented) + "\n", TestContext.Current.CancellationToken);
            Assert.Fail($"{golden} was renewed: read the difference, then run the tests without PROFILES_RENEW_GOLDEN.");
        }
        var committed = JsonNode.Parse(await File.ReadAllTextAsync(golden, TestContext.Current.CancellationToken))!;
        JsonNode.DeepEquals(document, committed)
            .ShouldBeTrue("The API's document has changed. If this is intended, run this test with PROFILES_RENEW_GOLDEN=1 and commit it.");
    }

    [Fact]
    public async Task The_document_has_every_path_of_the_contract()
    {
        var document = await ReadAsync();
        document["openapi"]!.GetValue<string>().ShouldStartWith("3.0");
        string[] image = ["delete", "post"], profile = ["delete", "get", "patch", "put"];
        var expected = new Dictionary<string, string[]>
        {
            ["/register"] = ["post"],
            ["/login"] = ["post"],
            ["/me/password"] = ["put"],
            ["/password/forgot"] = ["post"],
            ["/password/reset"] = ["post"],
            ["/email/verify"] = ["post"],
            ["/email/verify/resend"] = ["post"],
            ["/me"] = profile,
            ["/users/me"] = profile,
            ["/user/profile"] = profile,
            ["/users/{username}"] = ["get"],
            ["/me/upload-image"] = image,
            ["/users/me/profile-image"] = image,
            ["/user/profile/photo"] = image,
            ["/static/profile/{user_id}.jpg"] = ["get"],
            ["/static/profile/{user_id}_{side}.jpg"] = ["get"],
            ["/upload-policy"] = ["get"],
            ["/token/refresh"] = ["post"],
            ["/logout"] = ["post"],
            ["/me/security-events"] = ["get"],
            ["/me/export"] = ["get"],
            ["/me/sessions"] = ["delete", "get"],
            ["/me/sessions/{id}"] = ["delete"],
            ["/passkeys/registration/options"] = ["post"],
            ["/passkeys/registration/verify"] = ["post"],
            ["/passkeys/authentication/options"] = ["post"],
            ["/passkeys/authentication/verify"] = ["post"],
            ["/me/passkeys"] = ["get"],
            ["/me/passkeys/{id}"] = ["delete", "patch"],
            ["/health/live"] = ["get"],
            ["/health/ready"] = ["get"],
        };
        // The committed document holds off any other.
        foreach (var (path, methods) in expected)
            string.Join(' ', document["paths"]![path].ShouldNotBeNull(path).AsObject().Select(o => o.Key).Order())
                .ShouldBe(string.Join(' ', methods), path);
    }

    [Fact]
    public async Task Every_operation_is_described_and_documents_errors_as_problems()
    {
        var operations = Operations(await ReadAsync()).ToArray();
        operations.Length.ShouldBeGreaterThanOrEqualTo(38);
        operations.Select(o => o.Operation["operationId"]!.GetValue<string>()).Distinct().Count().ShouldBe(operations.Length);
        foreach (var (path, operation) in operations)
        {
            operation["summary"]!.GetValue<string>().ShouldNotBeNullOrEmpty(path);
            operation["description"]!.GetValue<string>().ShouldNotBeNullOrEmpty(path);
            operation["tags"]!.AsArray().Count.ShouldBe(1, path);
            var errors = operation["responses"]!.AsObject().Where(r => r.Key[0] is '4' or '5').ToArray();
            errors.ShouldNotBeEmpty(path);
            foreach (var (status, error) in errors)
            {
                var media = error!["content"]!["application/problem+json"].ShouldNotBeNull($"{path} {status}");
                media["schema"]!["$ref"]!.GetValue<string>().ShouldBe("#/components/schemas/Problem");
                media["example"]!["detail"]!.GetValue<string>().ShouldNotBeNullOrEmpty();
            }
        }
    }

    [Fact]
    public async Task Only_these_operations_need_no_bearer_token()
    {
        var open = Operations(await ReadAsync())
            .Where(o => o.Operation["security"] is not JsonArray { Count: > 0 } ways || ways.Any(w => w!.AsObject().Count == 0))
            .Select(o => o.Operation["operationId"]!.GetValue<string>()).Order();
        open.ShouldBe(["ForgotPassword", "GetImage", "GetImageVariant", "GetUser", "IsLive", "IsReady", "Login", "LoginWithCode",
            "LoginWithIdToken", "LoginWithMfa", "LoginWithPasskey", "RefreshToken", "Register", "RequestLoginCode", "ResetPassword",
            "StartGuest", "StartPasskeyLogin", "UploadPolicy", "VerifyEmail"]);
    }

    [Fact]
    public async Task Aliases_name_their_operation()
    {
        var aliases = Operations(await ReadAsync()).Where(o => o.Operation["operationId"]!.GetValue<string>().Contains("Alias")).ToArray();
        aliases.Length.ShouldBe(12);
        aliases.ShouldAllBe(a => a.Operation["description"]!.GetValue<string>().StartsWith("Alias of `"));
        aliases.ShouldAllBe(a => a.Operation["summary"]!.GetValue<string>().EndsWith(" (alias)"));
        aliases.ShouldAllBe(a => a.Operation["tags"]![0]!.GetValue<string>() == "Aliases");
        Operations(await ReadAsync()).Where(o => !aliases.Select(a => a.Path).Contains(o.Path))
            .ShouldAllBe(o => !o.Operation["description"]!.GetValue<string>().Contains("Alias"));
    }

    // The explorer shows the tags in order, and each tag's operations in the order of the paths.
    [Fact]
    public async Task The_explorer_begins_with_registration_and_ends_with_the_aliases()
    {
        var document = await ReadAsync();
        var tags = document["tags"]!.AsArray().Select(t => t!["name"]!.GetValue<string>()).ToArray();
        var shown = Operations(document).OrderBy(o => Array.IndexOf(tags, o.Operation["tags"]![0]!.GetValue<string>()))
            .Select(o => o.Operation["operationId"]!.GetValue<string>()).ToArray();
        shown[..11].ShouldBe(["Register", "Login", "RequestLoginCode", "LoginWithCode", "LoginWithMfa", "StartGuest", "GetMe", "UpdateMe",
            "PatchMe", "GetUser", "ExportMe"]);
        Array.IndexOf(shown, "DeleteMe").ShouldBeGreaterThan(Array.IndexOf(shown, "ResetPassword"));
        shown[^12..].ShouldAllBe(id => id.Contains("Alias"));
    }

    [Fact]
    public async Task The_document_has_the_validators_limits()
    {
        var schemas = (await ReadAsync())["components"]!["schemas"]!;
        var register = schemas["RegisterRequest"]!["properties"]!;
        register["name"]!["maxLength"]!.GetValue<int>().ShouldBe(UserProfile.NameMaxLength);
        register["email"]!["maxLength"]!.GetValue<int>().ShouldBe(User.EmailMaxLength);
        register["password"]!["maxLength"]!.GetValue<int>().ShouldBe(User.PasswordMaxBytes);
        register["password"]!["minLength"]!.GetValue<int>()
            .ShouldBe(app.Services.GetRequiredService<IOptions<PasswordOptions>>().Value.MinimumLength!.Value);
        var patch = schemas["PatchMeRequest"]!["properties"]!;
        (patch["username"]!["minLength"]!.GetValue<int>(), patch["username"]!["maxLength"]!.GetValue<int>())
            .ShouldBe((UserProfile.UsernameMinLength, UserProfile.UsernameMaxLength));
        patch["bio"]!["maxLength"]!.GetValue<int>().ShouldBe(UserProfile.BioMaxLength);
        schemas["GetMeResponse"]!["properties"]!["phone"]!["maxLength"]!.GetValue<int>().ShouldBe(UserProfile.PhoneMaxLength);
    }

    async Task<JsonNode> ReadAsync()
    {
        var response = await app.Client.GetAsync("/openapi/v1.json", Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancellation))!;
    }

    static IEnumerable<(string Path, JsonObject Operation)> Operations(JsonNode document) =>
        document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject().Select(o => ($"{o.Key} {p.Key}", o.Value!.AsObject())));

    static string GoldenFile(string file, [CallerFilePath] string thisFile = "") => Path.Combine(Path.GetDirectoryName(thisFile)!, file);
}
