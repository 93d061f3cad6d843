using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using CloudinaryDotNet;
using CloudinaryDotNet.Actions;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;

namespace Profiles.Infrastructure.Images;

/// <summary>Keeps pictures at Cloudinary (seed 002): folder <c>profile_images</c>, each under a fresh UUID, public.</summary>
sealed class CloudinaryImageStorage : IImageStorage, IDisposable
{
    const string Folder = "profile_images";

    /// <summary>As many as one page of its list may have.</summary>
    const int MostListed = 500;

    /// <summary>More than any answer of the API, in bytes; the longest is a page of the list.</summary>
    const int MaxAnswerBytes = 2 * 1024 * 1024;

    /// <summary>What its API for whoever runs an account answers beyond the requests of an hour.</summary>
    const int AskedTooOften = 420;

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

    public OutboxStore Store => OutboxStore.Cloudinary;

    public bool SettlesUnderLock => false;

    /// <summary>A square cut out of the middle and not enlarged, which Cloudinary makes when it is first asked for.</summary>
    public static string VariantUrl(string url, int side) =>
        url.Replace("/image/upload/", string.Create(CultureInfo.InvariantCulture, $"/image/upload/c_lfill,g_center,h_{side},w_{side}/"), StringComparison.Ordinal);

    public string KeyFor(ProcessedImage image) => $"{Folder}/{Guid.NewGuid()}";

    public async Task<string> SaveAsync(OutboxEntry entry, ProcessedImage image, CancellationToken ct)
    {
        var id = entry.Key[(Folder.Length + 1)..];
        using var content = new MemoryStream(image.Jpeg, writable: false);
        var result = await CallAsync(c => c.UploadAsync(
            new ImageUploadParams { File = new FileDescription($"{id}.jpg", content), Folder = Folder, PublicId = id, Overwrite = false }, ct), ct);
        return result is { Error: null, SecureUrl: { } url } ? url.AbsoluteUri : throw Failed(result);
    }

    // Its address loads as soon as it is uploaded.
    public Task PublishAsync(OutboxEntry entry) => Task.CompletedTask;

    public async Task<Settlement> SettleAsync(OutboxEntry entry, string? shown)
    {
        if (shown == entry.Key)
            return entry.State != OutboxState.Removing || await ExistsAsync(entry.Key) ? Settlement.Done : Settlement.Lost;
        var result = await CallAsync(c => c.DestroyAsync(new DeletionParams(entry.Key) { Invalidate = true }), CancellationToken.None);
        return (result.Error, result.Result) switch
        {
            (null, "ok") => Settlement.Done,
            // Gone before is gone.
            (null, "not found") => entry.State == OutboxState.Abandoned ? Settlement.NotThere : Settlement.Done,
            _ => throw Failed(result),
        };
    }

    public async IAsyncEnumerable<KeptImage> ListAsync([EnumeratorCancellation] CancellationToken ct)
    {
        string? next = null;
        do
        {
            var page = await CallAsync(c => c.ListResourcesAsync(
                new ListResourcesByPrefixParams { Type = "upload", Prefix = $"{Folder}/", MaxResults = MostListed, NextCursor = next }, ct), ct);
            if (page is not { Error: null, Resources: { } resources })
                throw Failed(page);
            foreach (var r in resources)
                yield return new(r.PublicId!, r.Bytes, DateTime.Parse(r.CreatedAt!, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal), null);
            next = page.NextCursor;
        }
        while (next is not null);
    }

    public async Task CheckAsync(CancellationToken ct)
    {
        var result = await CallAsync(c => c.PingAsync(ct), ct);
        // An account that has asked too often in this hour takes uploads all the same.
        if ((int)result.StatusCode is not (>= 200 and < 300 or AskedTooOften or StatusCodes.Status429TooManyRequests))
            throw Failed(result);
    }

    /// <summary>The picture as anyone can load it; null when it is not there.</summary>
    public async Task<byte[]?> ReadAsync(ProfileImage image, CancellationToken ct)
    {
        // The client's own limit of time ends with the headers.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(options.Timeout);
        try
        {
            using var response = await client.GetAsync(new Uri(image.Url), HttpCompletionOption.ResponseHeadersRead, ct);
            if (response.StatusCode == HttpStatusCode.NotFound)
                return null;
            var content = response.EnsureSuccessStatusCode().Content;
            // What we uploaded, and no more than that; of older ones the size is not known.
            await content.LoadIntoBufferAsync(Math.Max(image.Bytes, MaxAnswerBytes), patience.Token);
            return await content.ReadAsByteArrayAsync(patience.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            throw new ImageStorageException("The picture cannot be read from Cloudinary.", e);
        }
    }

    async Task<bool> ExistsAsync(string key)
    {
        var result = await CallAsync(c => c.GetResourceAsync(key), CancellationToken.None);
        return result.StatusCode == HttpStatusCode.NotFound ? false : result is { Error: null, PublicId: not null } ? true : throw Failed(result);
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

    // With an error it said no, and has done nothing; what it was meant to do without one is unknown.
    static ImageStorageException Failed(BaseResult result) =>
        new($"Cloudinary refused with {(int)result.StatusCode}: {result.Error?.Message}", refused: result.Error is not null && (int)result.StatusCode is >= 400 and < 500);
}
