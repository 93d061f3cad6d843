using System.Net;
using System.Net.Http.Headers;
using System.Net.Mime;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Images.Cloudinary;

/// <summary>
/// Calls Cloudinary's API. Each call throws <see cref="CloudinaryException"/> when it is refused, times out or has an unexpected answer.
/// </summary>
sealed class CloudinaryClient(HttpClient http, IOptions<CloudinaryOptions> options, TimeProvider clock)
{
    /// <summary>The most bytes of an answer; the longest is a page of the list.</summary>
    public const int MaxAnswerBytes = 2 * 1024 * 1024;

    /// <summary>The most images that Cloudinary lists on one page.</summary>
    const int PageSize = 500;

    static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Stores a JPEG under <c>folder/id</c>, which must be free, and returns its address.</summary>
    public async Task<Uri> UploadAsync(string folder, string id, byte[] jpeg, CancellationToken ct)
    {
        using var form = Signed(("folder", folder), ("overwrite", "false"), ("public_id", id));
        var file = new ByteArrayContent(jpeg);
        file.Headers.ContentType = new(MediaTypeNames.Application.Octet);
        file.Headers.ContentDisposition = new("form-data") { Name = "\"file\"", FileNameStar = $"{id}.jpg" };
        form.Add(file);
        var url = (await CallAsync<Uploaded>(HttpMethod.Post, "image/upload", form, ct)).SecureUrl;
        return url is { IsAbsoluteUri: true, Scheme: "https" or "http" }
            ? url
            : throw new CloudinaryException("Cloudinary answered the upload without an address.");
    }

    /// <summary>Deletes an image and invalidates its cached copies; false when there is none.</summary>
    public async Task<bool> DestroyAsync(string publicId, CancellationToken ct)
    {
        using var form = Signed(("invalidate", "true"), ("public_id", publicId), ("type", "upload"));
        return (await CallAsync<Destroyed>(HttpMethod.Post, "image/destroy", form, ct)).Result switch
        {
            "ok" => true,
            "not found" => false,
            var other => throw new CloudinaryException($"Cloudinary answered the deletion with \"{other}\"."),
        };
    }

    /// <summary>Whether an image with this public id exists.</summary>
    public async Task<bool> ExistsAsync(string publicId, CancellationToken ct)
    {
        try
        {
            await CallAsync<Asset>(HttpMethod.Get, $"resources/image/upload/{publicId}", null, ct);
            return true;
        }
        catch (CloudinaryException e) when (e.Status == HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>A page of the images whose public ids begin with the prefix.</summary>
    public Task<AssetPage> ListAsync(string prefix, string? cursor, CancellationToken ct) => CallAsync<AssetPage>(
        HttpMethod.Get,
        $"resources/image/upload?max_results={PageSize}&prefix={Uri.EscapeDataString(prefix)}"
            + (cursor is null ? "" : $"&next_cursor={Uri.EscapeDataString(cursor)}"),
        null,
        ct);

    /// <summary>Checks that the API answers and accepts the key.</summary>
    public Task PingAsync(CancellationToken ct) => CallAsync<JsonElement>(HttpMethod.Get, "ping", null, ct);

    /// <summary>Loads an image from its public address; null when it is missing.</summary>
    public Task<byte[]?> LoadAsync(Uri url, long maxBytes, CancellationToken ct) => GuardAsync(
        async () =>
        {
            // HttpClient's own timeout ends with the headers.
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
            deadline.CancelAfter(http.Timeout);
            using var response = await http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            if (response.StatusCode == HttpStatusCode.NotFound)
                return null;
            var content = response.EnsureSuccessStatusCode().Content;
            await content.LoadIntoBufferAsync(maxBytes, deadline.Token);
            return await content.ReadAsByteArrayAsync(deadline.Token);
        },
        ct);

    // The form's boundary is random: no file can contain it on purpose.
    MultipartFormDataContent Signed(params (string Name, string Value)[] fields)
    {
        fields = [.. fields, ("timestamp", $"{clock.GetUtcNow().ToUnixTimeSeconds()}")];
        // Cloudinary signs the fields in the order of their names, with ampersands in values escaped.
        var text = string.Join('&', fields.OrderBy(f => f.Name, StringComparer.Ordinal)
            .Select(f => $"{f.Name}={f.Value.Replace("&", "%26", StringComparison.Ordinal)}"));
#pragma warning disable CA5350 // A Cloudinary account verifies SHA-1 unless it is set to another algorithm.
        var signature = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(text + Account.Secret)));
#pragma warning restore CA5350
        var form = new MultipartFormDataContent();
        foreach (var (name, value) in ((string, string)[])[.. fields, ("signature", signature), ("api_key", Account.Key)])
            form.Add(new StringContent(value), $"\"{name}\"");
        return form;
    }

    CloudinaryAccount Account => options.Value.Account ?? throw new CloudinaryException("CLOUDINARY_URL is not set.");

    Task<T> CallAsync<T>(HttpMethod method, string path, HttpContent? form, CancellationToken ct) => GuardAsync(
        async () =>
        {
            var (cloud, key, secret) = Account;
            var server = (options.Value.ApiBaseAddress ?? "https://api.cloudinary.com").TrimEnd('/');
            using var request = new HttpRequestMessage(method, $"{server}/v1_1/{cloud}/{path}") { Content = form };
            // A form is signed; every other call sends the secret itself.
            if (form is null)
            {
                var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{key}:{secret}"));
                request.Headers.Authorization = new AuthenticationHeaderValue("Basic", credentials);
            }
            using var response = await http.SendAsync(request, ct);
            return response.IsSuccessStatusCode
                ? await ReadAsync<T>(response, ct)
                : throw new CloudinaryException((await ReadAsync<Refused>(response, ct)).Error.Message, response.StatusCode);
        },
        ct);

    static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken ct) =>
        await response.Content.ReadFromJsonAsync<T>(Json, ct) ?? throw new JsonException("null");

    static async Task<T> GuardAsync<T>(Func<Task<T>> call, CancellationToken ct)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (e is not CloudinaryException && !(e is OperationCanceledException && ct.IsCancellationRequested))
        {
            throw new CloudinaryException("Cloudinary did not answer as expected.", e);
        }
    }

    sealed record Uploaded(Uri SecureUrl);

    sealed record Destroyed(string Result);

    sealed record Refused(Reason Error);

    sealed record Reason(string Message);
}

/// <summary>An image at Cloudinary.</summary>
sealed record Asset(string PublicId, long Bytes, DateTimeOffset CreatedAt);

/// <summary>A page of the list; the last has no cursor.</summary>
sealed record AssetPage(Asset[] Resources, string? NextCursor = null);

/// <summary>A call to Cloudinary failed.</summary>
sealed class CloudinaryException : ImageStorageException
{
    public CloudinaryException(string message, Exception? inner = null) : base(message, inner) { }

    // A 4xx in Cloudinary's own form means that nothing was changed; the outcome of a 5xx is unknown.
    public CloudinaryException(string reason, HttpStatusCode status)
        : base($"Cloudinary refused with {(int)status}: {reason}", refused: (int)status is >= 400 and < 500) => Status = status;

    /// <summary>Null without an answer in Cloudinary's form.</summary>
    public HttpStatusCode? Status { get; }
}
