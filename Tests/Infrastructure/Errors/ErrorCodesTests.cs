using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using Profiles.Infrastructure.Errors;

namespace Profiles.Tests.Infrastructure.Errors;

[Trait("Database", "Sqlite")]
public sealed partial class ErrorCodesTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    static readonly string[] Folders = ["Features", "Infrastructure", "Data"];

    [Fact]
    public void Codes_are_unique_and_in_snake_case()
    {
        ErrorCodes.All.Count.ShouldBeGreaterThan(40);
        ErrorCodes.All.Select(e => e.Code).Distinct().Count().ShouldBe(ErrorCodes.All.Count);
        ErrorCodes.All.ShouldAllBe(e => SnakeCase().IsMatch(e.Code) && e.Status >= 400 && e.Status < 600 && e.Sentence.Length > 0);
    }

    [Fact]
    public void No_problem_is_created_without_a_code()
    {
        var sources = Folders.SelectMany(d =>
            Directory.GetFiles(Path.Combine(ArchitectureTests.Repository(), d), "*.cs", SearchOption.AllDirectories))
            .ToDictionary(f => Path.GetRelativePath(ArchitectureTests.Repository(), f), File.ReadAllText);
        var made = sources.Where(s => WithoutCode().IsMatch(s.Value)).Select(s => s.Key).ToArray();
        // The one place that creates problems.
        made.ShouldBe(["Infrastructure/Errors/Problems.cs"]);
        // A rule without a code would answer FluentValidation's own name for it.
        foreach (var (file, text) in sources)
            Rule().Count(text).ShouldBeLessThanOrEqualTo(WithCode().Count(text), file);
    }

    [Fact]
    public async Task A_refused_field_has_its_code_and_the_problem_has_the_first_one()
    {
        var answer =
            await app.Client.PostAsJsonAsync("/register", new { name = "John Doe", email = "nobody", password = "short" }, Cancellation);
        var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("error_codes").GetRawText().ShouldBe("""{"email":["email_invalid"],"password":["password_too_short"]}""");
        problem.GetProperty("code").GetString().ShouldBe("email_invalid");
    }

    [Theory]
    [InlineData("GET", "/nowhere", "not_found")]
    [InlineData("GET", "/me", "invalid_access_token")]
    [InlineData("POST", "/me", "method_not_allowed")]
    [InlineData("POST", "/register", "unsupported_media_type")]
    public async Task A_generic_answer_has_a_code_too(string method, string path, string code)
    {
        using var request = new HttpRequestMessage(new(method), path) { Content = method == "POST" ? new StringContent("x") : null };
        var answer = await app.Client.SendAsync(request, Cancellation);
        (await answer.ShouldBeProblemAsync(answer.StatusCode)).GetProperty("code").GetString().ShouldBe(code);
    }

    [Fact]
    public async Task The_errors_page_matches_the_catalogue()
    {
        var page = Path.Combine(ArchitectureTests.Repository(), "docs", "errors.md");
        if (Environment.GetEnvironmentVariable("PROFILES_RENEW_GOLDEN") == "1")
            await File.WriteAllTextAsync(page, Page(), Cancellation);
        (await File.ReadAllTextAsync(page, Cancellation))
            .ShouldBe(Page(), "The catalogue has changed: run this test with PROFILES_RENEW_GOLDEN=1 and commit docs/errors.md.");
    }

    static string Page()
    {
        var page = new StringBuilder("""
            # Errors

            Every error is `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)). Programs read `code`: it never
            changes its meaning, and more codes may be added. `detail` is one sentence for a person and may be reworded. `trace_id` finds
            the request in the service's log.

            ```json
            {"type":"about:blank","title":"Bad Request","status":400,"detail":"A name is needed.",
             "errors":{"name":["A name is needed."],"email":["This is not an e-mail address."]},
             "code":"name_required","error_codes":{"name":["name_required"],"email":["email_invalid"]},
             "trace_id":"2911fcea3dc055945b32145e781e433c"}
            ```

            Where fields are refused, `errors` has the sentences and `error_codes` the codes of each field, under the name that the client
            sent. `code` and `detail` are those of the first.

            | status | when |
            |---|---|
            | 400 | a field, a mailed token or the JSON is not valid; an upload is not one image, or has too many pixels (`max_pixels`) |
            | 401 | the access token is missing, not valid or expired; a login or a refresh fails |
            | 403 | the current password or a code is wrong, a second factor is needed, or an admin key may not do this |
            | 404 | nothing is at this address; no public user has that username; there is no image to delete |
            | 408 | the body did not arrive in time |
            | 409 | the e-mail address or the username is taken; a request with this `Idempotency-Key` is running (with `Retry-After`) |
            | 412 | the profile has changed since the version that `If-Match` names |
            | 413, 415 | the body is too large (`max_bytes`); its media type or `Content-Encoding` is not read here |
            | 422 | this `Idempotency-Key` was used for another request |
            | 429 | too many wrong passwords or requests, or a third upload at a time: retry after `Retry-After` |
            | 500 | the service or the image storage failed |
            | 503, 507 | the service or the database is busy or away: retry after `Retry-After`; the disk is full |

            | code | status | sentence |
            |---|---|---|

            """.ReplaceLineEndings("\n"));
        foreach (var error in ErrorCodes.All)
            page.Append($"| `{error.Code}` | {error.Status} | {error.Sentence.Replace("<", "&lt;").Replace("|", "\\|")} |\n");
        return page.ToString();
    }

    [GeneratedRegex(@"\.(Must|NotEmpty|NotNull|Length|MaximumLength|MinimumLength|Matches|Equal|Given|Characters|Pattern|WithoutNul)\(")]
    private static partial Regex Rule();

    [GeneratedRegex(@"\.WithError\(")]
    private static partial Regex WithCode();

    [GeneratedRegex("^[a-z]+(_[a-z]+)*\\z")]
    private static partial Regex SnakeCase();

    [GeneratedRegex(@"(TypedResults|Results)\.(Problem|ValidationProblem|BadRequest|Conflict)\(|WithMessage\(|new ValidationFailure\(|"
        + @"AddFailure\((?!Problems\.Failure)|\bDetail = ")]
    private static partial Regex WithoutCode();
}
