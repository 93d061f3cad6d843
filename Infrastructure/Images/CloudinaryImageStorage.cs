using CloudinaryDotNet;
using CloudinaryDotNet.Actions;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Decoding;

namespace Profiles.Infrastructure.Images;

/// <summary>Keeps pictures at Cloudinary (seed 002): folder <c>profile_images</c>, each under a fresh UUID, public.</summary>
sealed class CloudinaryImageStorage : IImageStorage, IDisposable
{
    const string Folder = "profile_images";

    /// <summary>Far more than any answer of the API, in bytes.</summary>
    const int MaxAnswerBytes = 256 * 1024;

    readonly CloudinaryOptions options;
    readonly HttpClient client;
    readonly Lazy<Cloudinary> cloudinary;

    public CloudinaryImageStorage(IOptions<CloudinaryOptions> settings)
    {
        options = settings.Value;
        // Not redirected: the picture and its signature are for the configured host alone.
        var connection = new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        client = new(new FreshBoundary { InnerHandler = connection })
        {
            Timeout = options.Timeout,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
        cloudinary = new(Connect);
    }

    public async Task<StoredImage> SaveAsync(long userId, ProcessedImage image, CancellationToken ct)
    {
        var id = Guid.NewGuid().ToString();
        using var content = new MemoryStream(image.Jpeg, writable: false);
        var result = await CallAsync(c => c.UploadAsync(
            new ImageUploadParams { File = new FileDescription($"{id}.jpg", content), Folder = Folder, PublicId = id, Overwrite = false }, ct), ct);
        return result is { Error: null, SecureUrl: { } url }
            ? new($"{Folder}/{id}", url.AbsoluteUri)
            : throw Refused(result.StatusCode, result.Error?.Message);
    }

    // Its address loads as soon as it is uploaded.
    public Task PublishAsync(long userId, StoredImage saved) => Task.CompletedTask;

    public Task WithdrawAsync(long userId, StoredImage shown) => Task.CompletedTask;

    public async Task SettleAsync(long userId, StoredImage? gone, string? shown)
    {
        if (gone is null)
            return;
        var result = await CallAsync(c => c.DestroyAsync(new DeletionParams(gone.Key) { Invalidate = true }), CancellationToken.None);
        // Gone before is gone.
        if (result.Error is not null || result.Result is not ("ok" or "not found"))
            throw Refused(result.StatusCode, result.Error?.Message);
    }

    public async Task CheckAsync(CancellationToken ct)
    {
        using var response = await client.GetAsync(new Uri(cloudinary.Value.Api.ApiBaseAddress), HttpCompletionOption.ResponseHeadersRead, ct);
        if ((int)response.StatusCode >= 500)
            throw Refused(response.StatusCode, null);
    }

    public void Dispose() => client.Dispose();

    Cloudinary Connect()
    {
        var connected = new Cloudinary(options.Url!);
        connected.Api.Client = client;
        connected.Api.Timeout = (int)options.Timeout.TotalMilliseconds;
        if (options.ApiBaseAddress is { } address)
            connected.Api.ApiBaseAddress = address;
        return connected;
    }

    async Task<T> CallAsync<T>(Func<Cloudinary, Task<T>> call, CancellationToken ct)
    {
        try
        {
            return await call(cloudinary.Value);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // The client throws plain exceptions for an answer that it cannot read, and the network its own.
            throw new ImageStorageException("Cloudinary did not answer as expected.", e);
        }
    }

    // The client's own boundary is the same in every call, and a file that contains it would add parts of its own to the form.
    sealed class FreshBoundary : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Content is MultipartFormDataContent form)
            {
                var fresh = new MultipartFormDataContent();
                foreach (var part in form)
                    fresh.Add(part);
                request.Content = fresh;
            }
            return base.SendAsync(request, cancellationToken);
        }
    }

    static ImageStorageException Refused(System.Net.HttpStatusCode status, string? message) =>
        new($"Cloudinary refused with {(int)status}: {message}");
}
