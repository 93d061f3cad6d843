using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Tests.Infrastructure.Decoding;

/// <summary>A server process whose workers the tests inspect, and a user of it.</summary>
public abstract class DecodingServer(params (string, string)[] settings) : IAsyncLifetime
{
    public ServerProcess Process { get; private set; } = null!;

    internal ServerUser User { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Process = await ServerProcess.StartAsync([("Images__Workers", "2"), .. settings]);
        User = await ServerUser.SignUpAsync(Process, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        User.Dispose();
        await Process.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Gives an image little time and memory, and has secrets that no worker may get.</summary>
public sealed class StrictServer() : DecodingServer(
    ("Images__DecodeTimeout", "00:00:02"), ("Images__WorkerMemory", $"{WorkerMemory}"), ("Images__Storage", "Local"),
    ("CLOUDINARY_URL", $"cloudinary://key:{Canary}@cloud"), ("Jwt__SigningKey", Canary + Canary),
    ("ConnectionStrings__Profiles", TestDatabase.For(Data) ?? $"Data Source={Path.Combine(Data, "profiles.db")}"), ("SOME_TOKEN", Canary))
{
    public const long WorkerMemory = 268_435_456;

    public const string Canary = "canary-7Qx2mVd9KfTz4RbW";

    static readonly string Data = TemporaryDirectory.Make(Canary);
}

/// <summary>Gives an image one second, and accepts images that take several.</summary>
public sealed class HastyDecodingServer() : DecodingServer(("Images__DecodeTimeout", "00:00:01"), ("Images__MaxPixels", "500000000"));

/// <summary>Waits long enough for workers that a test suspends, and has memory for four large images.</summary>
public sealed class PatientServer() : DecodingServer(
    ("Images__DecodeTimeout", "00:02:00"), ("Images__WorkerPictures", $"{WorkerPictures}"), ("Images__MaxBytes", $"{MaxBytes}"),
    ("Images__UploadMemory", $"{4 * 1024 * 1024}"))
{
    public const int MaxBytes = 1_000_000;

    public const int WorkerPictures = 50;
}

/// <summary>What an image can do to its worker, and how that affects other requests.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class DecodePoolTests(StrictServer strict, PatientServer patient) : IClassFixture<StrictServer>, IClassFixture<PatientServer>
{
    readonly PatientServer patient = patient;

    const string TooCostly = "The picture could not be decoded within the limits of time and memory.";

    static readonly byte[] Small = TestImage.Bytes("upright.jpg");

    // Larger than a pipe's buffer, so the sender waits until the worker reads.
    static readonly byte[] Large = [.. Small, .. new byte[900_000 - Small.Length]];

    static readonly string Worker = typeof(WorkerArguments).Assembly.Location;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_gains_no_privileges_and_has_limits_on_memory_files_and_core_dumps()
    {
        var worker = (await WorkersAsync(strict))[0];
        worker.Status("NoNewPrivs").ShouldBe("1");
        // A seccomp filter: no sockets, no other programs, no other processes.
        worker.Status("Seccomp").ShouldBe("2");
        worker.Limit("Max data size").ShouldBe([$"{StrictServer.WorkerMemory}", $"{StrictServer.WorkerMemory}"]);
        worker.Limit("Max core file size").ShouldBe(["0", "0"]);
        worker.Limit("Max open files").ShouldBe(["256", "256"]);
    }

    [Fact]
    public async Task A_worker_gets_none_of_the_service_s_secrets()
    {
        var worker = (await WorkersAsync(strict))[0];
        new LinuxProcess(strict.Process.ProcessId).Environment.Count(v => v.Contains(StrictServer.Canary)).ShouldBeGreaterThanOrEqualTo(4);
        worker.Environment.Concat(worker.CommandLine).ShouldAllBe(v => !v.Contains(StrictServer.Canary));
        worker.Environment.Select(v => v[..v.IndexOf('=')]).ShouldBeSubsetOf(
            ["PATH", "LD_LIBRARY_PATH", "DOTNET_ROOT", "LANG", "MALLOC_ARENA_MAX", "DOTNET_EnableDiagnostics"]);
    }

    [Fact]
    public async Task A_worker_that_replaces_another_inherits_only_its_own_pipes_and_its_program()
    {
        foreach (var before in await WorkersAsync(strict))
            await before.EndAsync();
        // Meanwhile the service has the database and an upload's connection open.
        await strict.User.StoreAsync(Small, Ct);
        var worker = (await WorkersAsync(strict)).ShouldHaveSingleItem();
        string[] own = [Path.GetDirectoryName(typeof(Program).Assembly.Location)!,
            Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."))];
        var (pipes, others) = (worker.Descriptors.Where(IsPipe).ToHashSet(), worker.Descriptors.Where(d => !IsPipe(d)).ToHashSet());

        others.ShouldAllBe(d => d.StartsWith("/dev/null") || d.StartsWith("/dev/urandom") || d.StartsWith("/memfd:doublemapper")
            || (d.EndsWith(".dll") && own.Any(d.StartsWith)));
        others.ShouldNotBeEmpty();
        // Standard input, output and error are shared with the service; other pipes are between the worker's own threads.
        new LinuxProcess(strict.Process.ProcessId).Descriptors.Where(IsPipe).Intersect(pipes).Count().ShouldBe(3);

        static bool IsPipe(string descriptor) => descriptor.StartsWith("pipe:", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_compromised_worker_reads_no_file_writes_none_and_opens_no_TCP_connection()
    {
        Assert.SkipWhen(strict.Process.Output.Contains("no Landlock"), "This kernel has no Landlock.");
        var directory = TemporaryDirectory.Make("secrets");
        var (secret, other) = (Path.Combine(directory, "signing.key"), Path.Combine(directory, "other"));
        await File.WriteAllTextAsync(secret, "secret", Ct);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        string[] tries =
        [
            $"read {secret}", $"write {secret}", $"write {other}", $"list {directory}", "list /", "list /proc", "read /etc/passwd",
            $"read /proc/{Environment.ProcessId}/environ",
            $"inherit {secret}", $"tcp {((IPEndPoint)listener.LocalEndpoint).Port}", $"listen {FreePort.Take()}",
        ];
        // The shell leaves a descriptor of the secret open, as a careless parent process would.
        using var worker = StartWorker("sh",
            ["-c", "exec \"$@\" 9< \"$0\"", secret, "dotnet", Worker, .. WorkerArguments.Make(1 << 30, TimeSpan.FromSeconds(10))], tries);
        var said = await worker.StandardError.ReadToEndAsync(Ct);
        said.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldBe(tries.Select(t => $"{t}: refused"));
        await worker.WaitForExitAsync(Ct);
        worker.ExitCode.ShouldBe(0);
    }

    // Name, numbers on x64 and arm64, and arguments with which the kernel would succeed or fail for another reason than the filter.
    static readonly (string Name, int X64, int Arm64, string Arguments)[] DeniedCalls =
    [
        ("kill", 62, 129, "other 0"), ("kill-all", 62, 129, "-1 0"), ("kill-group", 62, 129, "0 0"), ("tkill", 200, 130, "other 0"),
        ("tgkill", 234, 131, "other other 0"),
        ("rt_sigqueueinfo", 129, 138, "other 10 0"), ("rt_tgsigqueueinfo", 297, 240, "other other 10 0"),
        ("pidfd_open", 434, 434, "other 0"), ("pidfd_send_signal", 424, 424, "-1 0 0 0"), ("pidfd_getfd", 438, 438, "-1 0 0"),
        ("fcntl-SETOWN", 72, 25, "0 8 other"), ("fcntl-SETSIG", 72, 25, "0 10 10"), ("fcntl-SETOWN_EX", 72, 25, "0 15 0"),
        ("prlimit64", 302, 261, "other 7 0 0"), ("process_madvise", 440, 440, "-1 0 0 0"),
        ("unshare", 272, 97, "0"), ("setns", 308, 268, "-1 0"), ("bpf", 321, 280, "0 0 0"), ("perf_event_open", 298, 241, "0 0 -1 -1"),
        ("add_key", 248, 217, "0 0 0 0"), ("request_key", 249, 218, "0 0 0 0"), ("keyctl", 250, 219, "0 -3 0 0"),
        ("userfaultfd", 323, 282, "1"),
        ("mount", 165, 40, "0 0 0 0"), ("umount2", 166, 39, "0 0"), ("fsopen", 430, 430, "0 0"), ("open_tree", 428, 428, "-1 0 0"),
    ];

    // Calls that the runtime and the C library need, for example to end their own process.
    static readonly (string Name, int X64, int Arm64, string Arguments)[] AllowedCalls =
    [
        ("kill-self", 62, 129, "self 0"), ("tgkill-self", 234, 131, "self self 0"), ("fcntl-GETFD", 72, 25, "0 1"),
        ("prlimit64-self", 302, 261, "0 7 0 0"), ("prlimit64-own", 302, 261, "self 7 0 0"),
    ];

    [Fact]
    public async Task A_compromised_worker_cannot_signal_or_reach_another_process_on_any_kernel()
    {
        var isX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        var own = $"{Environment.ProcessId}";
        string[] tries =
        [
            "filter seccomp",
            .. DeniedCalls.Concat(AllowedCalls)
                .Select(c => $"call {c.Name} {(isX64 ? c.X64 : c.Arm64)} {c.Arguments.Replace("other", own)}"),
        ];
        // The seccomp filter alone, without Landlock, which a kernel may lack. An unprivileged process may install a filter only with
        // no_new_privs, as in the sandbox.
        string[] arguments = [.. WorkerArguments.Make(1 << 30, TimeSpan.FromSeconds(10)), WorkerArguments.Sandboxed];
        using var worker = StartWorker("setpriv", ["--no-new-privs", "dotnet", Worker, .. arguments], tries);
        var said = (await worker.StandardError.ReadToEndAsync(Ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        said.ShouldBe(tries.Select((t, i) => $"{t}: {(i > 0 && i <= DeniedCalls.Length ? "refused" : "done")}"));
        await worker.WaitForExitAsync(Ct);
        worker.ExitCode.ShouldBe(0);
    }

    static Process StartWorker(string program, string[] arguments, string[] tries)
    {
        var worker = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment =
                { ["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location, [StartupHook.Variable] = string.Join('\n', tries) },
        })!;
        worker.StandardInput.Close();
        return worker;
    }

    public static TheoryData<string> ImageSizes => ["small", "large"];

    [Theory]
    [MemberData(nameof(ImageSizes))]
    public async Task A_worker_that_hangs_fails_one_image_and_is_replaced(string size)
    {
        await ShouldServeAsync(strict);
        var hung = await StopAllAsync(strict);
        // The worker did not decode at all, so the image is not refused as invalid.
        await ShouldBeBusyAsync(await strict.User.Client.UploadAsync(size == "small" ? Small : Large, Ct));
        await LinuxProcess.UntilAsync(() => hung.Any(w => w.IsGone), () => "No worker was ended.");
        await ContinueAsync(hung);
        await ShouldServeAsync(strict);
        // The idle workers stay.
        hung.Count(w => w.IsGone).ShouldBe(1);
        (await WorkersAsync(strict)).ShouldAllBe(w => !w.IsGone);
    }

    [Fact]
    public async Task An_image_that_needs_more_memory_than_a_worker_may_have_is_refused_and_the_service_does_not_grow()
    {
        await ShouldServeAsync(strict);
        var service = new LinuxProcess(strict.Process.ProcessId);
        var before = service.ForgetPeak();
        for (var i = 0; i < 3; i++)
            await (await strict.User.Client.UploadAsync(Photo.ProgressiveBomb(10_000, 9_900), Ct))
                .ShouldBeProblemAsync(HttpStatusCode.BadRequest, TooCostly);
        (service.Megabytes("VmHWM") - before).ShouldBeLessThan(50);
        (await WorkersAsync(strict)).ShouldAllBe(w => w.Megabytes("VmHWM") < 400);
        await ShouldServeAsync(strict);
    }

    [Fact]
    public async Task While_a_worker_hangs_others_upload_and_read_and_the_service_is_ready()
    {
        var (worker, upload) = await HoldAsync(patient, Large, Ct);
        await ShouldServeAsync(patient);
        await (await patient.Process.Client.GetAsync("/health/ready", Ct)).ShouldBeAsync(HttpStatusCode.OK);
        upload.IsCompleted.ShouldBeFalse();
        await worker.SignalAsync("CONT");
        await (await upload).ShouldBeAsync(HttpStatusCode.OK);
    }

    // Killed from outside, by a denied system call, or by its limit of processor time. (The runtime does not treat a SEGV that was only
    // sent as a crash.)
    [Theory]
    [InlineData("KILL")]
    [InlineData("SYS")]
    [InlineData("XCPU")]
    public async Task A_worker_that_crashes_fails_one_image_and_is_replaced(string signal)
    {
        var shown = await ShouldServeAsync(patient);
        var (worker, upload) = await HoldAsync(patient, Small, Ct);
        await worker.SignalAsync(signal);
        if (signal != "KILL")
            await worker.SignalAsync("CONT");
        await (await upload).ShouldBeProblemAsync(HttpStatusCode.BadRequest, TooCostly);
        (await patient.User.ShownAsync(Ct)).ShouldBe(shown);
        worker.IsGone.ShouldBeTrue();
        await ShouldServeAsync(patient);
    }

    static readonly Dictionary<string, byte[]> Lies = new()
    {
        ["a second greeting"] = DecodeFrame.Write(new WorkerGreeting("8.14.1", HasLandlock: true)),
        ["an unknown kind of frame"] = [200, 0, 0, 0, 0],
        ["a negative length"] = [(byte)DecodeAnswer.Image, 0xFF, 0xFF, 0xFF, 0xFF],
        ["a length beyond the memory"] = [(byte)DecodeAnswer.Image, 0xFF, 0xFF, 0xFF, 0x7F],
        ["an image of zeros"] = DecodeFrame.Make(DecodeAnswer.Image, new byte[1000]),
        ["an image that is too large"] = DecodeFrame.Write(Told(5000, "#000000")),
        ["a colour that is HTML"] = DecodeFrame.Write(Told(100, "<b></b>")),
    };

    public static TheoryData<string> AllLies => [.. Lies.Keys];

    [Theory]
    [MemberData(nameof(AllLies))]
    public async Task A_worker_with_an_invalid_answer_is_not_believed_and_is_replaced(string what)
    {
        var shown = await ShouldServeAsync(patient);
        var (worker, upload) = await HoldAsync(patient, Small, Ct);
        worker.Say(Lies[what]);
        await (await upload).ShouldBeProblemAsync(HttpStatusCode.BadRequest, TooCostly);
        (await patient.User.ShownAsync(Ct)).ShouldBe(shown);
        await worker.UntilGoneAsync();
        await ShouldServeAsync(patient);
    }

    [Fact]
    public async Task A_worker_that_ends_while_idle_fails_no_image()
    {
        for (var round = 0; round < 5; round++)
        {
            foreach (var worker in await WorkersAsync(patient))
                await worker.EndAsync();
            await ShouldServeAsync(patient);
        }
    }

    [Fact]
    public async Task A_worker_is_replaced_after_its_maximum_of_images()
    {
        var before = await WorkersAsync(patient);
        // As many images as all workers together may decode.
        for (var i = 0; i < PatientServer.WorkerPictures * before.Length; i++)
            await patient.User.Client.UploadForUrlAsync(TestImage.Png(8, 8, 0, 0, 0), Ct);
        await LinuxProcess.UntilAsync(() => before.Any(w => w.IsGone), () => "No worker was ended.");
        await ShouldServeAsync(patient);
    }

    [Fact]
    public async Task Uploads_beyond_the_queue_are_told_to_retry_later_and_all_others_are_served()
    {
        const int Waiting = 32;
        const int TooMany = 6;
        var uploads = await HoldBothAsync();
        uploads.AddRange(Enumerable.Range(0, Waiting + TooMany)
            .Select(_ => patient.User.Client.UploadAsync(TestImage.Png(8, 8, 0, 0, 0), Ct)));
        await LinuxProcess.UntilAsync(() => uploads.Count(u => u.IsCompleted) == TooMany,
            () => $"{uploads.Count(u => u.IsCompleted)} are answered.");
        foreach (var refused in uploads.Where(u => u.IsCompleted))
            await ShouldBeBusyAsync(await refused);
        await ContinueAsync(await WorkersAsync(patient));
        (await Task.WhenAll(uploads)).Count(r => r.StatusCode == HttpStatusCode.OK).ShouldBe(2 + Waiting);
    }

    [Fact]
    public async Task Uploads_without_free_memory_are_told_to_retry_later()
    {
        const int Room = 4;
        var stopped = await StopAllAsync(patient);
        var uploads = Enumerable.Range(0, 2 * Room).Select(_ => patient.User.Client.UploadAsync(Large, Ct)).ToArray();
        await LinuxProcess.UntilAsync(() => uploads.Count(u => u.IsCompleted) >= Room,
            () => $"{uploads.Count(u => u.IsCompleted)} are answered.");
        await ContinueAsync(stopped);
        var answers = await Task.WhenAll(uploads);
        answers.Count(r => r.StatusCode == HttpStatusCode.OK).ShouldBeInRange(1, Room);
        foreach (var refused in answers.Where(r => r.StatusCode != HttpStatusCode.OK))
            await ShouldBeBusyAsync(refused);
        await ShouldServeAsync(patient, Large);
    }

    // Each upload reserves a quarter of the memory.
    static readonly Dictionary<string, Func<DecodePoolTests, Task>> Failures = new()
    {
        ["that are not images"] = async t =>
            await (await t.patient.User.Client.UploadAsync(new byte[900_000], Ct)).ShouldBeProblemAsync(HttpStatusCode.BadRequest),
        ["that are damaged"] = async t =>
            await (await t.patient.User.Client.UploadAsync(
                [.. Photo.WithSegments(TestImage.Bytes("truncated.jpg"), [.. Enumerable.Repeat(((byte)0xFE, new byte[64_000]), 14)])], Ct))
                    .ShouldBeProblemAsync(HttpStatusCode.BadRequest),
        ["that are too large"] = async t => await (await t.patient.User.Client.UploadAsync(new byte[PatientServer.MaxBytes + 1], Ct))
            .ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge),
        ["of two files"] = async t =>
        {
            using var form = new MultipartFormDataContent { { new ByteArrayContent(Large), "image", "x.jpg" },
                { new ByteArrayContent(Small), "image", "y.jpg" } };
            await (await t.patient.User.Client.PostAsync("/me/upload-image", form, Ct)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        },
        ["whose worker dies"] = async t =>
        {
            var (worker, upload) = await HoldAsync(t.patient, Large, Ct);
            await worker.EndAsync();
            // The worker had not received all of the image, so another worker decodes it.
            await (await upload).ShouldBeAsync(HttpStatusCode.OK);
        },
        ["whose client disconnects while sending"] = t => t.SendAndDisconnectAsync(),
        ["whose client disconnects while waiting"] = async t =>
        {
            using var gone = new CancellationTokenSource();
            var (worker, upload) = await HoldAsync(t.patient, Large, gone.Token);
            await gone.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(upload);
            await worker.SignalAsync("CONT");
            await LinuxProcess.UntilAsync(() => !worker.IsAsked, () => "The worker does not continue.");
        },
    };

    public static TheoryData<string> AllFailures => [.. Failures.Keys];

    [Theory]
    [MemberData(nameof(AllFailures))]
    public async Task The_memory_of_failed_uploads_is_released(string which)
    {
        for (var i = 0; i < 5; i++)
            await Failures[which](this);
        // The server notices a closed connection a little later.
        await LinuxProcess.UntilAsync(
            () => patient.User.Client.UploadAsync(Large, Ct).GetAwaiter().GetResult().IsSuccessStatusCode,
            () => "There is no memory left for uploads.");
    }

    [Fact]
    public async Task A_burst_of_large_images_uses_no_more_workers_than_configured_while_others_read()
    {
        var image = Photo.Enlarged(13, quality: 60);
        var uploads = Task.WhenAll(Enumerable.Range(0, 32).Select(_ => patient.User.Client.UploadAsync(image, Ct)));
        var (most, reads) = (0, 0);
        for (; !uploads.IsCompleted; reads++)
        {
            most = Math.Max(most, LinuxProcess.WorkersOf(patient.Process).Length);
            await patient.User.ShownAsync(Ct);
        }
        most.ShouldBeInRange(1, 2);
        reads.ShouldBeGreaterThan(1);
        (await uploads).ShouldAllBe(r => r.StatusCode == HttpStatusCode.OK || r.StatusCode == HttpStatusCode.ServiceUnavailable);
        (await uploads).ShouldContain(r => r.StatusCode == HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_killed_service_leaves_no_worker_behind_in_any_state()
    {
        await using var server = await ServerProcess.StartAsync(("Images__Workers", "3"));
        using var user = await ServerUser.SignUpAsync(server, Ct);
        List<LinuxProcess> workers = [];
        // One worker has an image, one has half an image, one has none.
        foreach (var image in (byte[][])[Small, Large])
        {
            var worker = LinuxProcess.WorkersOf(server).Except(workers).Single();
            await worker.StopAsync();
            _ = user.Client.UploadAsync(image, Ct);
            await worker.UntilAskedAsync();
            workers.Add(worker);
            await user.Client.UploadForUrlAsync(Small, Ct);
        }
        workers.Add(LinuxProcess.WorkersOf(server).Except(workers).Single());
        server.Kill();
        await ContinueAsync(workers);
        foreach (var worker in workers)
            await worker.UntilGoneAsync();
    }

    [Fact]
    public async Task A_signal_to_the_service_and_its_workers_ends_them_after_the_upload_in_progress()
    {
        await using var server = await ServerProcess.StartAsync(("Images__Workers", "1"));
        using var user = await ServerUser.SignUpAsync(server, Ct);
        var worker = await LinuxProcess.WorkerOfAsync(server);
        await worker.StopAsync();
        var upload = user.Client.UploadAsync(Small, Ct);
        await worker.UntilAskedAsync();
        // A terminal or a service manager signals the whole process group.
        foreach (var process in (LinuxProcess[])[worker, new(server.ProcessId)])
            await process.SignalAsync("TERM");
        await LinuxProcess.UntilAsync(() => server.Output.Contains("shutting down"), () => server.Output);
        await worker.SignalAsync("CONT");
        await (await upload).ShouldBeAsync(HttpStatusCode.OK);
        (await server.EndedAsync()).ShouldBe(0);
        await worker.UntilGoneAsync();
    }

    // Sends most of an image and then closes the connection.
    async Task SendAndDisconnectAsync()
    {
        var pipe = new Pipe();
        using var file = new StreamContent(pipe.Reader.AsStream());
        using var form = new MultipartFormDataContent { { file, "image", "x.jpg" } };
        var upload = patient.User.Client.PostAsync("/me/upload-image", form, Ct);
        for (var sent = 0; sent < 900_000; sent += 100_000)
            await pipe.Writer.WriteAsync(Large.AsMemory(sent, 100_000), Ct);
        await pipe.Writer.CompleteAsync(new IOException("The client disconnects."));
        await Should.ThrowAsync<HttpRequestException>(upload);
    }

    // Suspends both workers, each with an image.
    async Task<List<Task<HttpResponseMessage>>> HoldBothAsync()
    {
        var (first, upload) = await HoldAsync(patient, Small, Ct);
        await ShouldServeAsync(patient);
        var (_, other) = await HoldAsync(patient, Small, Ct, besides: first);
        return [upload, other];
    }

    // Suspends a worker that has an image. A worker that was just starting may get the image instead, or all suspended workers may still
    // have earlier images: then it retries.
    static async Task<(LinuxProcess Worker, Task<HttpResponseMessage> Upload)> HoldAsync(DecodingServer server, byte[] image,
        CancellationToken ct, LinuxProcess? besides = null)
    {
        while (true)
        {
            // A worker that reached its maximum may still be listed while it ends.
            LinuxProcess[] workers = [.. (await StopAllAsync(server)).Where(w => w != besides)];
            var upload = server.User.Client.UploadAsync(image, ct);
            LinuxProcess? asked = null;
            var watch = Stopwatch.StartNew();
            await LinuxProcess.UntilAsync(() => (asked = workers.FirstOrDefault(w => w.IsAsked)) is not null || upload.IsCompleted
                || watch.Elapsed > TimeSpan.FromSeconds(2), () => "No worker gets the image.");
            await ContinueAsync(workers.Where(w => w != asked));
            if (asked is not null)
                return (asked, upload);
            await (await upload).ShouldBeAsync(HttpStatusCode.OK);
        }
    }

    static async Task<LinuxProcess[]> StopAllAsync(DecodingServer server)
    {
        var workers = await WorkersAsync(server);
        foreach (var worker in workers)
            await worker.StopAsync();
        return workers;
    }

    static async Task ContinueAsync(IEnumerable<LinuxProcess> workers)
    {
        foreach (var worker in workers.Where(w => !w.IsGone))
            await worker.SignalAsync("CONT");
    }

    // The workers that are idle or have an image; waits while the only one is starting.
    static async Task<LinuxProcess[]> WorkersAsync(DecodingServer server)
    {
        LinuxProcess[] workers = [];
        await LinuxProcess.UntilAsync(() => (workers = LinuxProcess.WorkersOf(server.Process)).Length > 0,
            () => "The server has no worker.");
        return workers;
    }

    static async Task<string?> ShouldServeAsync(DecodingServer server, byte[]? image = null)
    {
        Jpeg.Read(await server.User.StoreAsync(image ?? Small, Ct)).Width.ShouldBe(320);
        return await server.User.ShownAsync(Ct);
    }

    static async Task ShouldBeBusyAsync(HttpResponseMessage response)
    {
        await response.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
        response.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(2));
    }

    static ProcessedImage Told(int side, string colour) =>
        new([0xFF, 0xD8, 0xFF, 0xFF, 0xD9], side, side, [1], colour,
            [.. ProcessedImage.Sides.Select(_ => (byte[])[0xFF, 0xD8, 0xFF, 0xFF, 0xD9])]);
}

/// <summary>Measures the processor time of an image, which other tests at the same time would disturb.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Collection(nameof(Alone))]
[Trait("Needs", "Process")]
public sealed class DecodeCostTests(HastyDecodingServer server) : IClassFixture<HastyDecodingServer>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_image_that_uses_up_its_processor_time_is_refused()
    {
        var image = Photo.PngOfZeros(17_000, 17_000);
        var answer = await server.User.Client.UploadAsync(image, Ct);
        // On a busy machine the wall-clock limit answers 503 before the image has used its processor time.
        for (var tries = 0; tries < 10 && answer.StatusCode == HttpStatusCode.ServiceUnavailable; tries++)
            answer = await server.User.Client.UploadAsync(image, Ct);
        await answer.ShouldBeProblemAsync(HttpStatusCode.BadRequest,
            "The picture could not be decoded within the limits of time and memory.");
        await server.User.StoreAsync(TestImage.Bytes("upright.jpg"), Ct);
    }
}
