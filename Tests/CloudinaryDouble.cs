using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Profiles.Tests;

/// <summary>How the double answers a correctly signed call; any other gets 401.</summary>
/// <param name="Answers">Takes the call, the regular answer, and a token that is cancelled when the caller or the double ends.</param>
/// <param name="Executes">Whether the call takes effect (stores, deletes), even when its answer is lost.</param>
public sealed record CloudinaryBehaviour(Func<HttpContext, byte[], CancellationToken, Task> Answers, bool Executes = false)
{
    public static CloudinaryBehaviour Normal { get; } =
        new((call, due, end) => call.Response.Body.WriteAsync(due, end).AsTask(), Executes: true);

    public static CloudinaryBehaviour GarbageBody { get; } = new((call, _, end) => call.Response.WriteAsync("<html>garbage</html>", end));

    public static CloudinaryBehaviour Hang { get; } = new((_, _, end) => Task.Delay(Timeout.Infinite, end));

    /// <summary>Carries out the call and breaks off in the middle of the answer.</summary>
    public static CloudinaryBehaviour ResetMidBody { get; } = new(
        async (call, due, end) =>
        {
            call.Response.ContentLength = due.Length;
            await call.Response.Body.WriteAsync(due.AsMemory(0, due.Length / 2), end);
            await call.Response.Body.FlushAsync(end);
            call.Abort();
        },
        Executes: true);

    /// <summary>Carries out the call and answers at one byte a second.</summary>
    public static CloudinaryBehaviour Drip { get; } = new(
        async (call, due, end) =>
        {
            for (var at = 0; at < due.Length; at++)
            {
                await call.Response.Body.WriteAsync(due.AsMemory(at, 1), end);
                await call.Response.Body.FlushAsync(end);
                await Task.Delay(TimeSpan.FromSeconds(1), end);
            }
        },
        Executes: true);

    public static CloudinaryBehaviour Status(int status) =>
        new((call, _, end) => CloudinaryDouble.RefuseAsync(call, status, $"Error {status} as ordered", end));

    public static CloudinaryBehaviour Redirect(Uri url) => new((call, _, _) =>
    {
        call.Response.Redirect(url.AbsoluteUri);
        return call.Response.CompleteAsync();
    });
}

/// <summary>A call that the double received: its fields as sent, and the bytes and the name of its file.</summary>
public sealed record CloudinaryCall(string Path, IReadOnlyDictionary<string, string> Fields, string? FileName, long FileLength);

/// <summary>Cloudinary's upload API and its list on a loopback port; checks the signature itself, and fails on demand.</summary>
public sealed class CloudinaryDouble : IAsyncDisposable
{
    public const string Secret = "a-secret_only-for~tests";
    const string Cloud = "demo";
    const string Key = "123456789012345";
    static readonly string[] Unsigned = ["file", "api_key", "resource_type", "cloud_name", "signature"];

    readonly ConcurrentDictionary<string, byte[]> assets = new();
    readonly ConcurrentDictionary<string, DateTimeOffset> created = new();
    readonly ConcurrentQueue<CloudinaryCall> calls = new();
    readonly CancellationTokenSource end = new();
    readonly WebApplication server;
    long version = DateTimeOffset.UnixEpoch.AddYears(55).ToUnixTimeSeconds();
    int elsewhereRequests;

    CloudinaryDouble()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        server = builder.Build();
        server.Run(AnswerAsync);
    }

    public Uri BaseAddress => new(server.Urls.Single());
    public string CloudinaryUrl { get; } = $"cloudinary://{Key}:{Secret}@{Cloud}";
    public CloudinaryBehaviour OnUpload { get; set; } = CloudinaryBehaviour.Normal;
    public CloudinaryBehaviour OnDestroy { get; set; } = CloudinaryBehaviour.Normal;

    public CloudinaryBehaviour OnAdmin { get; set; } = CloudinaryBehaviour.Normal;

    public CloudinaryBehaviour OnDelivery { get; set; } = CloudinaryBehaviour.Normal;

    /// <summary>The age that newly stored assets get.</summary>
    public TimeSpan Age { get; set; }

    /// <summary>Whether its answers contain its own addresses, where assets can be loaded.</summary>
    public bool Delivers { get; set; }

    /// <summary>The assets, by public id with folder.</summary>
    public IReadOnlyDictionary<string, byte[]> Assets => assets;

    /// <summary>Every call to the API in order, refused ones included.</summary>
    public IReadOnlyList<CloudinaryCall> Calls => [.. calls];

    /// <summary>A target for redirects that counts its requests.</summary>
    public Uri Elsewhere => new(BaseAddress, "/elsewhere");
    public int ElsewhereRequests => elsewhereRequests;

    /// <summary>Deletes an asset as another program would.</summary>
    public void Move(string id, string other)
    {
        assets.TryRemove(id, out var bytes).ShouldBeTrue();
        (assets[other], created[other]) = (bytes!, created[id]);
    }

    public static async Task<CloudinaryDouble> StartAsync()
    {
        var cloudinary = new CloudinaryDouble();
        await cloudinary.server.StartAsync();
        return cloudinary;
    }

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        await server.DisposeAsync();
        end.Dispose();
    }

    internal static Task RefuseAsync(HttpContext call, int status, string message, CancellationToken ct)
    {
        call.Response.StatusCode = status;
        return call.Response.WriteAsJsonAsync(new { error = new { message } }, ct);
    }

    async Task AnswerAsync(HttpContext call)
    {
        if (call.Request.Path == Elsewhere.AbsolutePath)
        {
            Interlocked.Increment(ref elsewhereRequests);
            return;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(call.RequestAborted, end.Token);
        try
        {
            await AnswerAsync(call, either.Token);
        }
        catch (OperationCanceledException)
        {
            call.Abort();
        }
    }

    // Lists the assets, two on a page, describes one, and says whether the key is valid.
    Task AnswerAdminAsync(HttpContext call, string path, CancellationToken ct)
    {
        calls.Enqueue(new(call.Request.Path.Value!, call.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString()), null, 0));
        if (call.Request.Headers.Authorization != $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Key}:{Secret}"))}")
            return RefuseAsync(call, 401, "unknown api_key", ct);
        object? due;
        if (path == "ping")
        {
            due = new { status = "ok" };
        }
        else if (path == "upload")
        {
            var after = call.Request.Query["next_cursor"].ToString();
            var found = assets.Keys.Where(k => k.StartsWith(call.Request.Query["prefix"].ToString(), StringComparison.Ordinal))
                .Order(StringComparer.Ordinal).Where(k => string.CompareOrdinal(k, after) > 0).ToArray();
            due = new { resources = found.Take(2).Select(Resource), next_cursor = found.Length > 2 ? found[1] : null };
        }
        else
        {
            due = Resource(path["upload/".Length..]);
        }
        if (due is null)
            return RefuseAsync(call, 404, "Resource not found", ct);
        call.Response.ContentType = "application/json; charset=utf-8";
        return OnAdmin.Answers(call, JsonSerializer.SerializeToUtf8Bytes(due), ct);
    }

    object? Resource(string id) => !assets.TryGetValue(id, out var bytes) ? null
        : new
        {
            public_id = id,
            format = "jpg",
            resource_type = "image",
            type = "upload",
            bytes = bytes.Length,
            created_at = created[id].UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
        };

    async Task AnswerAsync(HttpContext call, CancellationToken ct)
    {
        if (call.Request.Path.StartsWithSegments($"/{Cloud}/image/upload", out var address))
        {
            // v<version>/<public id>.jpg is public.
            var id = address.Value!.Split('/', 3)[2];
            if (!assets.TryGetValue(id[..^".jpg".Length], out var delivered))
                call.Response.StatusCode = 404;
            else
                await OnDelivery.Answers(call, delivered, ct);
            return;
        }
        if (call.Request.Path == $"/v1_1/{Cloud}/ping")
        {
            await AnswerAdminAsync(call, "ping", ct);
            return;
        }
        if (call.Request.Path.StartsWithSegments($"/v1_1/{Cloud}/resources/image", out var rest))
        {
            await AnswerAdminAsync(call, rest.Value!.TrimStart('/'), ct);
            return;
        }
        var form = call.Request.HasFormContentType ? await call.Request.ReadFormAsync(ct) : FormCollection.Empty;
        var fields = form.ToDictionary(field => field.Key, field => field.Value.ToString());
        var file = form.Files.GetFile("file");
        using var bytes = new MemoryStream();
        if (file is not null)
            await file.CopyToAsync(bytes, ct);
        calls.Enqueue(new(call.Request.Path.Value!, fields, file?.FileName, bytes.Length));

        var uploads = call.Request.Path == $"/v1_1/{Cloud}/image/upload";
        if (!uploads && call.Request.Path != $"/v1_1/{Cloud}/image/destroy")
        {
            await RefuseAsync(call, 404, "Unknown path", ct);
        }
        else if (Refusal(fields, uploads && file is null) is var (status, message))
        {
            await RefuseAsync(call, status, message, ct);
        }
        else
        {
            var behaviour = uploads ? OnUpload : OnDestroy;
            object due = !behaviour.Executes ? new { } : uploads ? Upload(fields, bytes.ToArray()) : Destroy(fields);
            call.Response.ContentType = "application/json; charset=utf-8";
            await behaviour.Answers(call, JsonSerializer.SerializeToUtf8Bytes(due), ct);
        }
    }

    static (int Status, string Message)? Refusal(Dictionary<string, string> fields, bool lacksFile)
    {
        var (key, sent, signature) = (Field("api_key"), Field("timestamp"), Field("signature"));
        if (lacksFile || Field("public_id") == "" || !long.TryParse(sent, CultureInfo.InvariantCulture, out var time))
            return (400, "Missing required parameter - one of file, public_id, timestamp");
        if (Math.Abs(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - time) > 3600)
            return (400, "Stale request - reported time is more than 1 hour ago");
        if (key != Key)
            return (401, $"Invalid api_key {key}");

        var toSign = new StringBuilder();
        foreach (var name in fields.Keys.Except(Unsigned).Order(StringComparer.Ordinal))
            toSign.Append(toSign.Length > 0 ? "&" : "").Append(name).Append('=')
                .Append(fields[name].Replace("&", "%26", StringComparison.Ordinal));
#pragma warning disable CA5350 // The protocol requires SHA-1.
        var due = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes($"{toSign}{Secret}")));
#pragma warning restore CA5350
        return signature == due ? null : (401, $"Invalid Signature {signature}. String to sign - '{toSign}'.");

        string Field(string name) => fields.GetValueOrDefault(name, "");
    }

    object Upload(Dictionary<string, string> fields, byte[] bytes)
    {
        var id = fields.TryGetValue("folder", out var folder) ? $"{folder}/{fields["public_id"]}" : fields["public_id"];
        if (fields.GetValueOrDefault("overwrite") != "false" || !assets.ContainsKey(id))
            (assets[id], created[id]) = (bytes, TimeProvider.System.GetUtcNow() - Age);
        var now = Interlocked.Increment(ref version);
        var authority = Delivers ? BaseAddress.GetLeftPart(UriPartial.Authority) : "https://res.cloudinary.com";
        return new
        {
            public_id = id,
            version = now,
            format = "jpg",
            resource_type = "image",
            type = "upload",
            bytes = bytes.Length,
            secure_url = $"{authority}/{Cloud}/image/upload/v{now}/{id}.jpg",
        };
    }

    object Destroy(Dictionary<string, string> fields) => new { result = assets.TryRemove(fields["public_id"], out _) ? "ok" : "not found" };
}
