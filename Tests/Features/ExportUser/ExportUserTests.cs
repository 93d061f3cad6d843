using System.IO.Compression;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.ExportUser;

public sealed class ExportUserTests(AdminFixture app) : TestBase<AdminFixture>
{
    static readonly string[] Files = ["profile.json", "ways-in.json", "sessions.json", "security-events.json", "picture.jpg"];

    [Fact]
    public async Task The_archive_is_the_one_that_the_user_gets()
    {
        var user = await WithImageAsync();
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        using var response = await admin.GetAsync($"/admin/users/{user.Id}/export", Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentDisposition!.FileName.ShouldBe($"user-{user.Id}.zip");
        using var zip = new ZipArchive(await response.Content.ReadAsStreamAsync(Cancellation));
        zip.Entries.Select(e => e.FullName).ShouldBe(Files);
        (await app.QueryAsync(db => db.AuditLog.SingleAsync(e => e.UserId == user.Id))).Action.ShouldBe("user.exported");
        // The owner did not do it.
        (await app.QueryAsync(db => db.SecurityEvents.AnyAsync(
            e => e.UserId == user.Id && e.Kind == SecurityEventKind.DataExported))).ShouldBeFalse();
        await (await admin.GetAsync("/admin/users/987654321/export", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_command_writes_a_private_file_and_overwrites_none()
    {
        var user = await WithImageAsync();
        var directory = TemporaryDirectory.Make("export");
        var file = Path.Combine(directory, "user.zip");
        (await app.RunAsync("users", "export", user.Email, file))
            .ShouldBe((0, $"User {user.Id} ({user.Email}) is exported to {file}.\n", ""));
        using (var zip = ZipFile.OpenRead(file))
            zip.Entries.Select(e => e.FullName).ShouldBe(Files);
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (await app.RunAsync("users", "export", user.Email, file)).ShouldBe((1, "", $"{file} exists already.\n"));
        (await app.RunAsync("users", "export", user.Email, Path.Combine(directory, "none", "user.zip"))).ExitCode.ShouldBe(1);
        Directory.EnumerateFiles(directory).ShouldBe([file]);
    }

    async Task<TestUser> WithImageAsync()
    {
        var user = await app.CreateUserAsync();
        await app.ClientFor(user).UploadForUrlAsync(TestImage.Png(8, 8, 255, 0, 0), Cancellation);
        return user;
    }
}
