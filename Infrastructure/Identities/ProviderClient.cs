using System.Net.Http.Headers;
using Microsoft.IdentityModel.Protocols;

namespace Profiles.Infrastructure.Identities;

/// <summary>
/// Asks providers: over https, in a bounded time, for a bounded number of bytes and without redirects. Outside of Production also over
/// http, on this machine.
/// </summary>
sealed class ProviderClient(IHostEnvironment environment) : IDocumentRetriever, IDisposable
{
    /// <summary>How long an answer may take.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    // A hundred times the keys of Google.
    const int MaxAnswerBytes = 256 * 1024;

    readonly HttpClient http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = 16 * 1024,
    })
    {
        Timeout = Timeout,
        MaxResponseContentBufferSize = MaxAnswerBytes,
        DefaultRequestHeaders = { UserAgent = { new ProductInfoHeaderValue("Profiles", null) } },
    };

    public static bool MayAsk(Uri address, IHostEnvironment environment) =>
        address.Scheme == Uri.UriSchemeHttps || (address is { Scheme: "http", IsLoopback: true } && !environment.IsProduction());

    /// <summary>Why a setting is refused.</summary>
    public static string Refusal(string setting) => $"{setting} must be an https address.";

    public async Task<string> GetDocumentAsync(string address, CancellationToken cancel)
    {
        using var response = await SendAsync(new(HttpMethod.Get, address), cancel);
        return await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(cancel);
    }

    /// <summary>Sends a form and returns the answer, whatever its status.</summary>
    public Task<HttpResponseMessage> PostAsync(string address, IReadOnlyDictionary<string, string> form, CancellationToken ct) =>
        SendAsync(new(HttpMethod.Post, address) { Content = new FormUrlEncodedContent(form) }, ct);

    public void Dispose() => http.Dispose();

    // The metadata names further addresses, so each is looked at.
    async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        using (request)
        {
            return MayAsk(request.RequestUri!, environment)
                ? await http.SendAsync(request, ct)
                : throw new HttpRequestException("A provider is asked over https only.");
        }
    }
}
