using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Tests.Infrastructure.Outbox;

/// <summary>A service that stores its images in a fake Cloudinary and retries interrupted calls after some seconds.</summary>
public sealed class OutboxFixture : ProfilesFixture
{
    public CloudinaryDouble Cloudinary { get; private set; } = null!;

    protected override async ValueTask PreSetupAsync() => Cloudinary = await CloudinaryDouble.StartAsync();

    protected override ValueTask TearDownAsync() => Cloudinary.DisposeAsync();

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("CLOUDINARY_URL", Cloudinary.CloudinaryUrl);
        a.UseSetting("Cloudinary:ApiBaseAddress", Cloudinary.BaseAddress.GetLeftPart(UriPartial.Authority));
        a.UseSetting("Cloudinary:Timeout", "00:00:02");
        a.UseSetting("Images:Grace", "00:00:03");
    }
}

/// <summary>The outbox settles calls to Cloudinary whose outcome is unknown.</summary>
public sealed class OutboxTests(OutboxFixture app) : TestBase<OutboxFixture>
{
    protected override ValueTask TearDownAsync()
    {
        (app.Cloudinary.OnUpload, app.Cloudinary.OnDestroy, app.Cloudinary.OnAdmin) =
            (CloudinaryBehaviour.Normal, CloudinaryBehaviour.Normal, CloudinaryBehaviour.Normal);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task An_uploaded_image_whose_answer_was_lost_is_deleted()
    {
        var (user, client, url) = await WithImageAsync();
        app.Cloudinary.OnUpload = CloudinaryBehaviour.ResetMidBody;
        await (await client.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error uploading image");
        var left = KeyOfLastUpload();
        app.Cloudinary.Assets.Keys.ShouldContain(left);
        (await EntriesAsync(user)).ShouldHaveSingleItem()
            .ShouldSatisfyAllConditions(e => e.Key.ShouldBe(left), e => e.State.ShouldBe(OutboxState.Storing));

        await DrainAsync(user);
        app.Cloudinary.Assets.Keys.ShouldNotContain(left);
        (await ShownAsync(client)).ShouldBe(url);
        app.Cloudinary.Assets.Keys.ShouldContain(KeyOf(url!));
    }

    [Fact]
    public async Task An_image_that_may_still_arrive_is_deleted_repeatedly_until_it_cannot_arrive()
    {
        var (user, client, url) = await WithImageAsync();
        app.Cloudinary.OnUpload = CloudinaryBehaviour.Hang;
        await (await client.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError);
        var key = KeyOfLastUpload();
        await DrainAsync(user);
        app.Cloudinary.Calls.Count(c => c.Path.EndsWith("/destroy", StringComparison.Ordinal) && c.Fields["public_id"] == key)
            .ShouldBeGreaterThan(0);
        (await ShownAsync(client)).ShouldBe(url);
    }

    [Fact]
    public async Task A_refused_call_leaves_no_outbox_entry()
    {
        var (user, client, url) = await WithImageAsync();
        app.Cloudinary.OnUpload = CloudinaryBehaviour.Status(401);
        await (await client.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError);
        (await EntriesAsync(user)).ShouldBeEmpty();
        app.Cloudinary.OnDestroy = CloudinaryBehaviour.Status(401);
        await (await client.DeleteAsync("/me/upload-image", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error deleting image from Cloudinary");
        (await EntriesAsync(user)).ShouldBeEmpty();
        (await ShownAsync(client)).ShouldBe(url);
    }

    [Fact]
    public async Task A_deletion_that_succeeded_without_an_answer_clears_the_profile()
    {
        var (user, client, url) = await WithImageAsync();
        app.Cloudinary.OnDestroy = CloudinaryBehaviour.ResetMidBody;
        await (await client.DeleteAsync("/me/upload-image", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error deleting image from Cloudinary");
        app.Cloudinary.Assets.Keys.ShouldNotContain(KeyOf(url!));
        await DrainAsync(user);
        (await ShownAsync(client)).ShouldBeNull();
        await (await client.DeleteAsync("/me/upload-image", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound, "User has no profile image");
    }

    [Fact]
    public async Task A_deletion_that_did_not_happen_keeps_the_image_even_when_the_first_check_fails()
    {
        var (user, client, url) = await WithImageAsync();
        app.Cloudinary.OnDestroy = CloudinaryBehaviour.Hang;
        app.Cloudinary.OnAdmin = CloudinaryBehaviour.GarbageBody;
        await (await client.DeleteAsync("/me/upload-image", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.InternalServerError);
        await AttemptsAsync(user, 1);
        (await ShownAsync(client)).ShouldBe(url);
        app.Cloudinary.OnAdmin = CloudinaryBehaviour.Normal;
        await DrainAsync(user);
        (await ShownAsync(client)).ShouldBe(url);
        app.Cloudinary.Assets.Keys.ShouldContain(KeyOf(url!));
    }

    [Fact]
    public async Task A_replaced_image_is_deleted_once_Cloudinary_is_back()
    {
        var (user, client, url) = await WithImageAsync();
        app.Cloudinary.OnDestroy = CloudinaryBehaviour.Status(500);
        var second = await client.UploadForUrlAsync(TestImage.Png(16, 16, 0, 0, 255), Cancellation);
        await AttemptsAsync(user, 1);
        app.Cloudinary.Assets.Keys.ShouldContain(KeyOf(url!));
        var ready = await (await app.Client.GetAsync("/health/ready", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        ready.GetProperty("pending").GetInt32().ShouldBeGreaterThan(0);

        app.Cloudinary.OnDestroy = CloudinaryBehaviour.Normal;
        await DrainAsync(user);
        app.Cloudinary.Assets.Keys.ShouldNotContain(KeyOf(url!));
        app.Cloudinary.Assets.Keys.ShouldContain(KeyOf(second));
        (await ShownAsync(client)).ShouldBe(second);
    }

    [Fact]
    public async Task An_upload_that_was_treated_as_abandoned_fails_and_its_image_is_deleted()
    {
        var (user, client, url) = await WithImageAsync();
        var go = new TaskCompletionSource();
        app.Cloudinary.OnUpload = new(
            (call, due, ct) =>
                go.Task.ContinueWith(_ => CloudinaryBehaviour.Normal.Answers(call, due, ct), TaskScheduler.Default).Unwrap(),
            Executes: true);
        var upload = client.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        while (await EntriesAsync(user) is not [{ } entry]
            || app.Cloudinary.Calls.All(c => c.FileLength == 0
                || !entry.Key.EndsWith(c.Fields.GetValueOrDefault("public_id", "?"), StringComparison.Ordinal)))
            await Task.Delay(20, Cancellation);
        // Another instance treats the upload as abandoned after Images__Grace.
        await app.QueryAsync(db => db.Outbox.Where(e => e.UserId == user.Id)
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.State, OutboxState.Abandoned), Cancellation));
        go.SetResult();
        await (await upload).ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error uploading image");
        (await ShownAsync(client)).ShouldBe(url);
        var key = KeyOfLastUpload();
        await DrainAsync(user);
        app.Cloudinary.Assets.Keys.ShouldNotContain(key);
        app.Cloudinary.Assets.Keys.ShouldContain(KeyOf(url!));
    }

    [Fact]
    public async Task The_variants_are_URLs_of_Cloudinary_s_transformations()
    {
        var (_, client, url) = await WithImageAsync();
        var me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var variants = me.GetProperty("image").GetProperty("variants");
        foreach (var side in new[] { "96", "256", "512" })
            variants.GetProperty(side).GetString()
                .ShouldBe(url!.Replace("/image/upload/v", $"/image/upload/c_lfill,g_center,h_{side},w_{side}/v"));
        app.Cloudinary.Calls.Count(c => c.FileLength > 0 && KeyOf(url!).EndsWith(c.Fields["public_id"], StringComparison.Ordinal))
            .ShouldBe(1, "Variants are not uploaded.");
    }

    [Fact]
    public async Task The_outbox_is_signalled_when_an_entry_that_is_due_at_once_commits()
    {
        var signal = app.Services.GetRequiredService<OutboxSignal>();
        await app.QueryAsync(async db =>
        {
            (await IsSignalledAsync(db, TimeSpan.Zero)).ShouldBeTrue();
            (await IsSignalledAsync(db, TimeSpan.FromMilliseconds(1))).ShouldBeFalse();
            (await IsSignalledAfterAsync(db, t => t.RollbackAsync(Cancellation))).ShouldBeFalse();
            (await IsSignalledAsync(db, TimeSpan.FromMilliseconds(1))).ShouldBeFalse("The rollback left its mark.");
            (await IsSignalledAfterAsync(db, t => t.CommitAsync(Cancellation))).ShouldBeTrue();
            return 0;
        });

        async Task<bool> IsSignalledAfterAsync(ProfilesDbContext db, Func<IDbContextTransaction, Task> end)
        {
            var next = signal.Next;
            await using var transaction = await db.Database.BeginTransactionAsync(Cancellation);
            (await IsSignalledAsync(db, TimeSpan.Zero)).ShouldBeFalse();
            await end(transaction);
            return next.IsCompleted;
        }

        async Task<bool> IsSignalledAsync(ProfilesDbContext db, TimeSpan wait)
        {
            var (next, now) = (signal.Next, app.Clock.GetUtcNow().UtcDateTime);
            db.Outbox.Add(new()
            {
                Store = OutboxStore.Mail,
                State = OutboxState.Settling,
                Mail = MailKind.VerifyEmail,
                UserId = 4_000_000_000,
                Key = "gone@example.com",
                CreatedAt = now,
                DueAt = now + wait,
            });
            await db.SaveChangesAsync(Cancellation);
            db.ChangeTracker.Clear();
            return next.IsCompleted;
        }
    }

    async Task<(TestUser User, HttpClient Client, string? Url)> WithImageAsync()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        return (user, client, await client.UploadForUrlAsync(TestImage.Png(16, 16, 255, 0, 0), Cancellation));
    }

    async Task<string?> ShownAsync(HttpClient client) =>
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString();

    Task<List<OutboxEntry>> EntriesAsync(TestUser user) =>
        app.QueryAsync(db => db.Outbox.AsNoTracking().Where(e => e.UserId == user.Id).ToListAsync(Cancellation));

    Task DrainAsync(TestUser user) => UntilAsync(async () => (await EntriesAsync(user)).Count == 0);

    Task AttemptsAsync(TestUser user, int attempts) => UntilAsync(async () => (await EntriesAsync(user)).Any(e => e.Attempts >= attempts));

    async Task UntilAsync(Func<Task<bool>> reached)
    {
        var patience = Stopwatch.StartNew();
        while (!await reached())
        {
            patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(60));
            await Task.Delay(50, Cancellation);
        }
    }

    string KeyOfLastUpload() =>
        $"profile_images/{app.Cloudinary.Calls.Last(c => c.Path.EndsWith("/upload", StringComparison.Ordinal)).Fields["public_id"]}";

    static string KeyOf(string url) => $"profile_images/{Path.GetFileNameWithoutExtension(new Uri(url).AbsolutePath)}";
}
