using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Tests.Features.UploadImage;

/// <summary>Multipart bodies byte for byte, as no well-behaved client sends them.</summary>
// The database plays no part: one engine is enough.
[Trait("Database", "Sqlite")]
public sealed class UploadImageFormTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string Multipart = "multipart/form-data; boundary=b";

    static readonly byte[] Upright = TestImage.Bytes("upright.jpg");

    [Theory]
    [InlineData(Multipart, "b")]
    [InlineData("multipart/form-data; boundary=\"b\"", "b")]
    [InlineData("Multipart/Form-Data; charset=utf-8; Boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
        "----WebKitFormBoundary7MA4YWxkTrZu0gW")]
    [InlineData("multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890",
        "1234567890123456789012345678901234567890123456789012345678901234567890")]
    public async Task A_form_with_one_file_is_accepted_with_any_boundary_that_the_standard_allows(string type, string boundary) =>
        await (await SendAsync(type, [.. File("image", boundary), .. End(boundary)])).ShouldBeAsync(HttpStatusCode.OK);

    [Fact]
    public async Task Fields_without_a_file_are_skipped() =>
        await (await SendAsync(Multipart, [.. Field("title", "me"), .. File("image"), .. Field("submit", "Send"), .. End()]))
            .ShouldBeAsync(HttpStatusCode.OK);

    public static TheoryData<string> FileHeaders => new(
        "Content-Disposition: form-data; name=\"image\"\r\nContent-Type: image/jpeg",
        "Content-Disposition: form-data; name=\"image\"; filename=\"\"\r\nContent-Type: image/jpeg",
        "Content-Disposition: form-data; name=\"image\"; filename=\"\"",
        "Content-Disposition: form-data; name=image; filename=IMG 1.jpg",
        "Content-Disposition: form-data; name=photo; filename=IMG (1); v=2.jpg",
        "content-disposition: Form-Data; Name=\"image\"; FileName=\"x.jpg\"",
        "Content-Disposition:form-data;name=\"file\";filename=\"C:\\DCIM\\IMG \\\"1\\\".jpg\"",
        "Content-Disposition: form-data; filename=\"x.jpg\"; name=\"photo\"",
        "Content-Disposition: form-data; name=\"image\"; filename*=UTF-8''%e2%82%ac.jpg",
        "Content-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"; filename*=UTF-8''x.jpg",
        "Content-Disposition: form-data ; name = \"image\" ; filename = \"x.jpg\" ;",
        "Content-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\n" +
        "Content-Disposition: form-data; name=\"image\"; size=4856; filename=x");

    [Theory]
    [MemberData(nameof(FileHeaders))]
    public async Task A_file_is_accepted_in_every_form_of_its_part_headers(string headers) =>
        await (await SendAsync(Multipart, [.. Field("title", "me"), .. Part(headers, Upright), .. End()])).ShouldBeAsync(HttpStatusCode.OK);

    [Fact]
    public async Task Fields_with_a_media_type_and_file_fields_without_a_file_are_skipped() =>
        await (await SendAsync(Multipart,
        [
            .. "This preamble belongs to no part.\r\n"u8,
            .. Part("Content-Disposition: form-data; name=\"title\"\r\nContent-Type: text/plain; charset=utf-8", "me"u8.ToArray()),
            .. Part("Content-Disposition: form-data; name=\"file\"; filename=\"\"\r\nContent-Type: application/octet-stream", []),
            .. File("image"), .. End(), .. "Nor what stands behind the last."u8,
        ])).ShouldBeAsync(HttpStatusCode.OK);

    public static TheoryData<string, string, byte[]> Broken => new()
    {
        { "a wrong field", Multipart, [.. File("avatar"), .. End()] },
        { "a field without a name", Multipart, [.. Part("Content-Disposition: form-data; filename=\"x.jpg\"", Upright), .. End()] },
        { "two files of one name", Multipart, [.. File("image"), .. File("image"), .. End()] },
        { "two files of two names", Multipart, [.. File("image"), .. File("photo"), .. End()] },
        { "a file and one under a wrong name", Multipart, [.. File("image"), .. File("avatar"), .. End()] },
        { "the image as a text field", Multipart, [.. Part("Content-Disposition: form-data; name=\"image\"", Upright), .. End()] },
        { "a field in which no file was chosen", Multipart,
            [.. Part("Content-Disposition: form-data; name=\"image\"; filename=\"\"\r\nContent-Type: application/octet-stream", []),
            .. End()] },
        { "two files, one without a name", Multipart,
            [.. File("image"), .. Part("Content-Disposition: form-data; name=\"photo\"\r\nContent-Type: image/jpeg", Upright), .. End()] },
        { "a file as an attachment", Multipart,
            [.. Part("Content-Disposition: attachment; name=\"image\"; filename=\"x.jpg\"", Upright), .. End()] },
        { "an invalid disposition", Multipart, [.. Part("Content-Disposition: ;;=;name", Upright), .. End()] },
        { "a part without a disposition", Multipart, [.. Part("Content-Type: image/jpeg", Upright), .. End()] },
        { "no part", Multipart, End() },
        { "only a field", Multipart, [.. Field("title", "me"), .. End()] },
        { "an empty file", Multipart, [.. Part("Content-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"", []), .. End()] },
        { "two thousand files", Multipart, [.. Enumerable.Repeat(Part("Content-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"",
            [1]), 2000).SelectMany(p => p), .. End()] },
        { "two thousand fields", Multipart, [.. Enumerable.Repeat(Field("x", "1"), 2000).SelectMany(p => p), .. End()] },
        { "no final boundary", Multipart, File("image") },
        { "an end in the middle of the image", Multipart, File("image")[..2000] },
        { "an end in a part's header", Multipart, File("image")[..30] },
        { "no body", Multipart, [] },
        { "no boundary in the body", Multipart, Upright },
        { "another boundary in the body", Multipart, [.. File("image", "c"), .. End("c")] },
        { "a boundary of 200 characters", "multipart/form-data; boundary=" + new string('x', 200),
            [.. File("image", new string('x', 200)), .. End(new string('x', 200))] },
        { "an empty boundary", "multipart/form-data; boundary=", [.. File("image", ""), .. End("")] },
        { "a quoted empty boundary", "multipart/form-data; boundary=\"\"", [.. File("image", ""), .. End("")] },
        { "no boundary", "multipart/form-data", [.. File("image"), .. End()] },
        { "a part's header of 20 kB", Multipart, [.. Part("Content-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"\r\nX-Long: " +
            new string('x', 20_000), Upright), .. End()] },
        { "a hundred headers in a part", Multipart, [.. Part("Content-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"" +
            string.Concat(Enumerable.Range(0, 100).Select(i => $"\r\nX-{i}: 1")), Upright), .. End()] },
        { "a form in a form", Multipart,
            [.. Part("Content-Disposition: form-data; name=\"image\"\r\nContent-Type: multipart/mixed; boundary=c",
            [.. Part("Content-Disposition: file; filename=\"x.jpg\"", Upright, "c"), .. End("c")]), .. End()] },
        { "a form in a file", Multipart,
            [.. Part("Content-Disposition: form-data; name=\"image\"; filename=\"x\"\r\nContent-Type: multipart/mixed; boundary=c",
            [.. File("image", "c"), .. End("c")]), .. End()] },
        { "multipart/mixed", "multipart/mixed; boundary=b", [.. File("image"), .. End()] },
        { "a form in the address's form", "application/x-www-form-urlencoded", "image=x"u8.ToArray() },
        { "JSON", "application/json", """{"image":"/9j/4AAQ"}"""u8.ToArray() },
        { "the image alone", "image/jpeg", Upright },
        { "a type without a subtype", "multipart", [.. File("image"), .. End()] },
        { "no type", "", [.. File("image"), .. End()] },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task Any_other_body_is_refused_and_changes_nothing(string what, string type, byte[] body)
    {
        var user = await app.CreateUserAsync();
        var response = await SendAsync(type, body, user);
        response.StatusCode.ShouldBeOneOf([HttpStatusCode.BadRequest, HttpStatusCode.UnsupportedMediaType], what);
        await response.ShouldBeProblemAsync(response.StatusCode);
        (await app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == user.Id).Select(p => p.Image!.Key).SingleAsync()))
            .ShouldBeNull(what);
    }

    [Fact]
    public async Task None_of_a_thousand_corrupted_forms_is_a_server_error()
    {
        var user = await app.CreateUserAsync();
        byte[] good = [.. Field("title", "me"), .. File("image"), .. End()];
        // Fixed random numbers make failures reproducible.
        var random = new Random(20_000);
        for (var round = 0; round < 1000; round++)
        {
            // Mostly changes the headers, which define the form.
            var corrupted = good.ToArray();
            for (var changes = random.Next(1, 6); changes > 0; changes--)
                corrupted[random.Next(random.Next(2) == 0 ? 250 : corrupted.Length)] = (byte)random.Next(256);
            using var response = await SendAsync(Multipart, random.Next(4) == 0
                ? corrupted[..random.Next(corrupted.Length)] : corrupted, user);
            ((int)response.StatusCode).ShouldBeOneOf([200, 400], $"Round {round.ToString(CultureInfo.InvariantCulture)}");
        }
    }

    [Fact]
    public async Task An_upload_is_401_when_its_user_is_deleted_meanwhile()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var content = new HeldContent([.. File("image")[..^2], .. new byte[1_000_000]], [.. "\r\n"u8, .. End()]);
        var upload = client.PostAsync("/me/upload-image", content, Cancellation);
        // By now the server has checked the token.
        await content.Begun;
        using var deletion = new HttpRequestMessage(HttpMethod.Delete, "/me");
        deletion.Content = new StringContent($$"""{"password":"{{user.Password}}"}""", Encoding.UTF8, "application/json");
        await (await client.SendAsync(deletion, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        content.Go();
        await (await upload).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}*").ShouldBeEmpty();
    }

    // Sends the rest on demand.
    sealed class HeldContent : HttpContent
    {
        readonly TaskCompletionSource begun = new(), go = new();
        readonly byte[] first, rest;

        public HeldContent(byte[] first, byte[] rest)
        {
            (this.first, this.rest) = (first, rest);
            Headers.TryAddWithoutValidation("Content-Type", Multipart);
        }

        public Task Begun => begun.Task;

        public void Go() => go.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(first);
            await stream.FlushAsync();
            begun.SetResult();
            await go.Task;
            await stream.WriteAsync(rest);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    async Task<HttpResponseMessage> SendAsync(string type, byte[] body, TestUser? user = null)
    {
        using var content = new ByteArrayContent(body);
        if (type.Length > 0)
            content.Headers.TryAddWithoutValidation("Content-Type", type);
        return await app.ClientFor(user ?? await app.CreateUserAsync()).PostAsync("/me/upload-image", content, Cancellation);
    }

    static byte[] File(string name, string boundary = "b") =>
        Part($"Content-Disposition: form-data; name=\"{name}\"; filename=\"x.jpg\"\r\nContent-Type: image/jpeg", Upright, boundary);

    static byte[] Field(string name, string value) =>
        Part($"Content-Disposition: form-data; name=\"{name}\"", Encoding.ASCII.GetBytes(value));

    static byte[] Part(string headers, byte[] content, string boundary = "b") =>
        [.. Encoding.ASCII.GetBytes($"--{boundary}\r\n{headers}\r\n\r\n"), .. content, .. "\r\n"u8];

    static byte[] End(string boundary = "b") => Encoding.ASCII.GetBytes($"--{boundary}--\r\n");
}
