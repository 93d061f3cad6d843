using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Profiles.Tests;

/// <summary>The handler that holds every answer of the tests to the API's document refuses what the document does not say.</summary>
public sealed class DocumentedAnswersTests
{
    const string Policy = """{"types":["image/jpeg"],"max_bytes":1,"max_pixels":1,"max_side":1,"variants":[96]}""";

    [Fact]
    public async Task An_answer_of_the_document_passes() =>
        (await AskAsync("/upload-policy", Json(Policy))).StatusCode.ShouldBe(HttpStatusCode.OK);

    public static TheoryData<string, string, HttpStatusCode, string, string> Mistakes => new()
    {
        { "/upload-policy", Policy, HttpStatusCode.Accepted, "application/json", "the status is not one of" },
        { "/upload-policy", Policy, HttpStatusCode.OK, "text/plain", "text/plain is not one of" },
        { "/upload-policy", Policy.Replace("\"max_side\":1", "\"max_side\":\"1\""), HttpStatusCode.OK, "application/json", "max_side" },
        { "/upload-policy", Policy.Replace("\"max_side\":1,", ""), HttpStatusCode.OK, "application/json", "max_side" },
        { "/upload-policy", Policy.Replace("\"max_side\"", "\"secret\":1,\"max_side\""), HttpStatusCode.OK, "application/json", "secret" },
        { "/me", "", HttpStatusCode.NotModified, "", "ETag is missing" },
    };

    [Theory, MemberData(nameof(Mistakes))]
    public async Task An_answer_otherwise_than_the_document_fails_the_request(
        string path, string body, HttpStatusCode status, string mediaType, string difference)
    {
        var answer = Json(body, status);
        answer.Content.Headers.ContentType = mediaType.Length == 0 ? null : new MediaTypeHeaderValue(mediaType);
        (await Assert.ThrowsAsync<ShouldAssertException>(() => AskAsync(path, answer))).Message.ShouldContain(difference);
    }

    [Fact]
    public async Task A_path_that_the_document_does_not_know_passes() =>
        (await AskAsync("/nowhere", Json("{}", HttpStatusCode.Accepted))).StatusCode.ShouldBe(HttpStatusCode.Accepted);

    static HttpResponseMessage Json(string body, HttpStatusCode status = HttpStatusCode.OK) =>
        new(status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    static async Task<HttpResponseMessage> AskAsync(string path, HttpResponseMessage answer)
    {
        using var client = new HttpClient(new DocumentedAnswers { InnerHandler = new Answering(answer) });
        return await client.GetAsync(new Uri($"http://localhost{path}"), TestContext.Current.CancellationToken);
    }

    sealed class Answering(HttpResponseMessage answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(answer);
    }
}
