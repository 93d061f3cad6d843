using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Profiles.Tests.Infrastructure.Http;

/// <summary>Request bodies with a Content-Encoding.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
public sealed class ContentCodingTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Theory]
    [InlineData("gzip")]
    [InlineData("GZIP")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("identity")]
    public async Task JSON_and_forms_are_decoded(string coding)
    {
        var user = await app.CreateUserAsync();
        await (await SendAsync(user, HttpMethod.Put, "/me", "application/json", coding, """{"name":"Packed"}"""u8.ToArray()))
            .ShouldBeAsync(HttpStatusCode.OK);
        (await app.ClientFor(user).GetStringAsync("/me", Cancellation)).ShouldContain("Packed");
        await (await SendAsync(user, HttpMethod.Post, "/me/upload-image", "multipart/form-data; boundary=b", coding,
            Form(TestImage.Bytes("upright.jpg")))).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_idempotency_key_belongs_to_the_decoded_body()
    {
        var (user, key) = (await app.CreateUserAsync(), Guid.NewGuid().ToString());
        foreach (var coding in new[] { "gzip", "br", "identity" })
        {
            var response =
                await SendAsync(user, HttpMethod.Put, "/me", "application/json", coding, """{"name":"Once"}"""u8.ToArray(), key: key);
            await response.ShouldBeAsync(HttpStatusCode.OK);
            response.Headers.Contains("Idempotency-Replayed").ShouldBe(coding != "gzip");
        }
    }

    [Theory]
    [InlineData("zstd")]
    [InlineData("compress")]
    [InlineData("gzip, gzip")]
    [InlineData("gzip, br")]
    [InlineData("bogus")]
    public async Task An_unknown_coding_is_415_with_the_known_ones(string coding)
    {
        var user = await app.CreateUserAsync();
        foreach (var (path, type) in new[] { ("/me/upload-image", "multipart/form-data; boundary=b"), ("/login", "application/json") })
        {
            var response = await SendAsync(user, HttpMethod.Post, path, type, coding, Form([1]), pack: false);
            await response.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType);
            string.Join(", ", response.Headers.GetValues("Accept-Encoding")).ShouldBe("gzip, deflate, br");
        }
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_body_that_does_not_match_its_coding_is_400(string coding)
    {
        var user = await app.CreateUserAsync();
        var form = Form(TestImage.Bytes("upright.jpg"));
        byte[] spoilt = Pack(coding, form);
        spoilt[spoilt.Length / 2] ^= 0x55;
        foreach (var body in new[] { form, spoilt, Pack(coding, form)[..1000], [] })
            await (await SendAsync(user, HttpMethod.Post, "/me/upload-image", "multipart/form-data; boundary=b", coding, body, pack: false))
                .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await SendAsync(user, HttpMethod.Put, "/me", "application/json", coding, "{\"name\":\"x\"}"u8.ToArray(), pack: false))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_body_that_decodes_to_more_than_the_limit_is_413(string coding)
    {
        var user = await app.CreateUserAsync();
        byte[] vast = [.. "{\"x\":\""u8, .. new byte[100_000_000]];
        foreach (var key in new[] { null, Guid.NewGuid().ToString() })
            await (await SendAsync(user, HttpMethod.Put, "/me", "application/json", coding, vast, key: key))
                .ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        byte[] parts = [.. "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n"u8, .. vast];
        foreach (var form in new[] { Form(vast), parts })
            await (await SendAsync(user, HttpMethod.Post, "/me/upload-image", "multipart/form-data; boundary=b", coding, form))
                .ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);
    }

    Task<HttpResponseMessage> SendAsync(TestUser user, HttpMethod method, string path, string type, string coding, byte[] body,
        bool pack = true, string? key = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = new ByteArrayContent(pack ? Pack(coding, body) : body) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        request.Content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return app.ClientFor(user).SendAsync(request, Cancellation);
    }

    static byte[] Form(byte[] image) =>
        [.. "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"\r\n\r\n"u8, .. image,
            .. Encoding.ASCII.GetBytes("\r\n--b--\r\n")];

    static byte[] Pack(string coding, byte[] bytes)
    {
        if (coding == "identity")
            return bytes;
        using var packed = new MemoryStream();
        using (Stream packer = coding.ToLowerInvariant() switch
        {
            "gzip" => new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            "deflate" => new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            _ => new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true),
        })
            packer.Write(bytes);
        return packed.ToArray();
    }
}
