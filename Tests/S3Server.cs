using System.Diagnostics;
using Amazon.Runtime;
using Amazon.S3;

namespace Profiles.Tests;

/// <summary>
/// OpenStack Swift with its S3 API on a loopback port, with one bucket: it checks signatures and their times, and nobody reads without one.
/// Tests are skipped where it is neither installed nor required.
/// </summary>
public sealed class S3Server : IAsyncDisposable
{
    public const string Bucket = "images", AccessKey = "test:tester", SecretKey = "testing";

    readonly string directory = TemporaryDirectory.Make("s3");
    readonly int port = FreePort.Take();

    Process? process;

    public S3Server() => Client = new(
        new BasicAWSCredentials(AccessKey, SecretKey),
        new AmazonS3Config
        {
            ServiceURL = Address,
            AuthenticationRegion = "us-east-1",
            ForcePathStyle = true,
            MaxErrorRetry = 0,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
        });

    public string Address => $"http://127.0.0.1:{port}";

    /// <summary>The address of the bucket where everybody can read it, after <see cref="OpenAsync"/>.</summary>
    public string PublicAddress => $"{Address}/v1/AUTH_test/{Bucket}";

    public AmazonS3Client Client { get; }

    /// <summary>The settings of a service that uses it.</summary>
    public (string Name, string Value)[] Settings =>
    [
        ("S3__Bucket", Bucket), ("S3__Endpoint", Address), ("S3__AccessKey", AccessKey), ("S3__SecretKey", SecretKey),
        ("S3__Timeout", "00:00:04"), ("Images__Grace", "00:00:09"),
    ];

    /// <summary>The names of all objects.</summary>
    public async Task<string[]> NamesAsync() =>
        [.. ((await Client.ListObjectsV2Async(new() { BucketName = Bucket })).S3Objects ?? []).Select(o => o.Key)];

    /// <summary>Starts it, also again after <see cref="Kill"/>, with what it had.</summary>
    public async Task StartAsync()
    {
        if (process is { HasExited: false })
            return;
        var isNew = process is null;
        var isInstalled = File.Exists("/usr/lib/python3/dist-packages/swift/common/middleware/s3api/s3api.py");
        Assert.SkipWhen(
            !isInstalled && Environment.GetEnvironmentVariable("PROFILES_S3") != "required",
            "OpenStack Swift is not installed: ./dev test --s3 installs it.");
        isInstalled.ShouldBeTrue("PROFILES_S3=required, and OpenStack Swift is not installed.");
        var script = Path.Combine(ArchitectureTests.Repository(), "Tests", "S3Server.py");
        // The system's Python has the packages of the system.
        process = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-I", script, directory, $"{port}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var said = await process.StandardOutput.ReadLineAsync();
        said.ShouldBe("ready", process.HasExited ? await process.StandardError.ReadToEndAsync() : said);
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        if (isNew)
            await Client.PutBucketAsync(Bucket);
    }

    /// <summary>Lets everybody read the bucket at <see cref="PublicAddress"/>.</summary>
    public async Task OpenAsync()
    {
        using var http = new HttpClient { DefaultRequestHeaders = { { "X-Auth-User", AccessKey }, { "X-Auth-Key", SecretKey } } };
        using var login = (await http.GetAsync($"{Address}/auth/v1.0")).EnsureSuccessStatusCode();
        using var open = new HttpRequestMessage(HttpMethod.Post, PublicAddress)
        {
            Headers = { { "X-Auth-Token", login.Headers.GetValues("X-Auth-Token") }, { "X-Container-Read", ".r:*" } },
        };
        (await http.SendAsync(open)).EnsureSuccessStatusCode();
    }

    /// <summary>Answers 403 to whoever reads an object, until the returned is disposed.</summary>
    public IDisposable RefuseReads() => new FileStream(
        Path.Combine(directory, "unreadable"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);

    /// <summary>Ends it with SIGKILL; <see cref="StartAsync"/> starts it again.</summary>
    public void Kill()
    {
        process!.Kill();
        process.WaitForExit();
    }

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (process is { HasExited: false })
            Kill();
        process?.Dispose();
        return ValueTask.CompletedTask;
    }
}
