using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;

namespace Profiles.Tests;

/// <summary>A user of a <see cref="ServerProcess"/>.</summary>
sealed record ServerUser(HttpClient Client) : IDisposable
{
    public static async Task<ServerUser> SignUpAsync(ServerProcess server, CancellationToken ct)
    {
        var (email, password) = ($"{Guid.NewGuid():N}@example.com", "correct horse battery staple");
        await (await server.Client.PostAsJsonAsync("/register", new { name = "John", email, password }, ct))
            .ShouldBeAsync(HttpStatusCode.Created);
        var login = await (await server.Client.PostAsJsonAsync("/login", new { email, password }, ct)).ShouldBeAsync(HttpStatusCode.OK);
        var client = new HttpClient(new DocumentedAnswers { InnerHandler = new SocketsHttpHandler() }) { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer",
            login.GetProperty("access_token").GetString()!);
        return new(client);
    }

    /// <summary>Uploads an image and returns the stored one, which the answer and the profile point to.</summary>
    public async Task<byte[]> StoreAsync(byte[] image, CancellationToken ct)
    {
        var url = await Client.UploadForUrlAsync(image, ct);
        (await ShownAsync(ct)).ShouldBe(url);
        return await Client.GetByteArrayAsync(url, ct);
    }

    /// <summary>The image address that the profile shows.</summary>
    public async Task<string?> ShownAsync(CancellationToken ct) =>
        (await (await Client.GetAsync("/me", ct)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString();

    public void Dispose() => Client.Dispose();
}
