using System.Net;
using System.Net.Mime;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Images.S3;

/// <summary>
/// Calls the service of the bucket. Each call throws <see cref="ImageStorageException"/> when it is refused, times out or has an unexpected
/// answer.
/// </summary>
sealed class S3Client(IOptions<S3Options> options) : IDisposable
{
    /// <summary>Object names are never used twice.</summary>
    const string CacheControl = "public, max-age=31536000, immutable";

    readonly S3Options settings = options.Value;

    // The SDK is loaded by the first call, which most services never make.
    AmazonS3Client? client;

    AmazonS3Client Client => LazyInitializer.EnsureInitialized(ref client, Connect);

    public void Dispose() => client?.Dispose();

    /// <summary>Stores a JPEG.</summary>
    // No ACL, which many buckets refuse, and no chunks, which many services do not know. The signature covers the bytes.
    public Task PutAsync(string name, byte[] jpeg, CancellationToken ct) => GuardAsync(
        token => Client.PutObjectAsync(
            new()
            {
                BucketName = settings.Bucket,
                Key = name,
                InputStream = new MemoryStream(jpeg, writable: false),
                ContentType = MediaTypeNames.Image.Jpeg,
                Headers = { CacheControl = CacheControl },
                UseChunkEncoding = false,
            },
            token),
        Ignore,
        ct);

    /// <summary>Loads an object; null when there is none.</summary>
    public async Task<byte[]?> GetAsync(string name, int maxBytes, CancellationToken ct)
    {
        try
        {
            return await GuardAsync(
                token => Client.GetObjectAsync(settings.Bucket, name, token),
                (found, token) => ReadAsync(found.ResponseStream, found.ContentLength, maxBytes, token),
                ct);
        }
        catch (ImageStorageException e) when (IsMissing(e))
        {
            return null;
        }
    }

    /// <summary>Deletes an object; to most services a missing one is deleted, too.</summary>
    // One by one: not every service can delete several at once.
    public async Task DeleteAsync(string name)
    {
        try
        {
            await GuardAsync(token => Client.DeleteObjectAsync(settings.Bucket, name, token), Ignore, CancellationToken.None);
        }
        catch (ImageStorageException e) when (IsMissing(e))
        {
            return;
        }
    }

    /// <summary>Lists the objects whose names begin with the prefix.</summary>
    public async IAsyncEnumerable<StoredImage> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken ct)
    {
        string? next = null;
        do
        {
            var request = new ListObjectsV2Request { BucketName = settings.Bucket, Prefix = prefix, ContinuationToken = next };
            (var objects, next) = await GuardAsync(token => Client.ListObjectsV2Async(request, token), PageOf, ct);
            foreach (var each in objects)
                yield return each;
        }
        while (next is not null);
    }

    /// <summary>Checks that the bucket is there and open to the key.</summary>
    public Task CheckAsync(CancellationToken ct) =>
        GuardAsync(token => Client.HeadBucketAsync(new() { BucketName = settings.Bucket }, token), Ignore, ct);

    // A missing bucket has another code.
    static bool IsMissing(ImageStorageException e) => e.InnerException is AmazonServiceException { ErrorCode: "NoSuchKey" };

    static Task<bool> Ignore(AmazonWebServiceResponse answer, CancellationToken ct) => Task.FromResult(true);

    static async Task<byte[]?> ReadAsync(Stream content, long length, int maxBytes, CancellationToken ct)
    {
        if (length > maxBytes)
            throw new ImageStorageException($"The object has {length} bytes.");
        var bytes = new byte[length];
        await content.ReadExactlyAsync(bytes, ct);
        return bytes;
    }

    static Task<(StoredImage[] Objects, string? Next)> PageOf(ListObjectsV2Response page, CancellationToken ct) => Task.FromResult((
        (page.S3Objects ?? [])
            .Select(o => new StoredImage(o.Key, o.Size ?? 0, o.LastModified?.ToUniversalTime() ?? default, null)).ToArray(),
        (string?)page.NextContinuationToken));

    AmazonS3Client Connect()
    {
        var config = new AmazonS3Config
        {
            ServiceURL = settings.Service,
            AuthenticationRegion = settings.Region,
            ForcePathStyle = settings.PathStyle is true,
            MaxErrorRetry = 1,
            // Many services refuse the checksums that the SDK adds by default.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            AllowAutoRedirect = false,
            DisableLogging = true,
        };
        return settings.AccessKey is null
            ? new(config)
            : new(new BasicAWSCredentials(settings.AccessKey, settings.SecretKey), config);
    }

    // Generic, and the only method that awaits the SDK's answers: the fields of any other would load the SDK at every start.
    async Task<T> GuardAsync<TAnswer, T>(
        Func<CancellationToken, Task<TAnswer>> call, Func<TAnswer, CancellationToken, Task<T>> read, CancellationToken ct)
    {
        if (settings.Bucket is null)
            throw new ImageStorageException("S3__Bucket is not set.");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(settings.Timeout);
        try
        {
            var answer = await call(deadline.Token);
            using (answer as IDisposable)
                return await read(answer, deadline.Token);
        }
        catch (AmazonServiceException e) when (e.StatusCode is >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError)
        {
            throw new ImageStorageException($"S3 refused with {(int)e.StatusCode}: {e.ErrorCode}", e, refused: true);
        }
        catch (Exception e) when (e is not ImageStorageException && !(e is OperationCanceledException && ct.IsCancellationRequested))
        {
            throw new ImageStorageException("S3 did not answer as expected.", e);
        }
    }
}
