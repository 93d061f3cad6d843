using System.Data.Common;
using System.Runtime.InteropServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Infrastructure.Startup;

/// <summary>Prepares what the first request needs; a failure here stops the start.</summary>
static partial class Preparation
{
    /// <returns>The start of the first worker, to be awaited before the service listens.</returns>
    public static async Task<Task> PrepareAsync(this WebApplication app)
    {
        KeepPrivate();
        var service = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value;
        await RequireWritableAsync("DataDirectory", () => Task.FromResult(PrivateFiles.CreateDirectory(service.DataDirectory)));
        Validate(app);
        service.RequireNoHalf();
        app.ValidateAddresses();
        if (app.Services.GetRequiredService<IOptions<MailOptions>>().Value.Templates is not null)
            app.Services.GetRequiredService<MailTemplates>().Check();
        var decoding = app.Services.GetRequiredService<DecodePool>().StartAsync();
        if (app.Services.GetRequiredService<IImageStorage>() is { Store: OutboxStore.LocalImages } images)
            await RequireWritableAsync("Images__Directory", () => images.CheckAsync(CancellationToken.None));
        await app.Services.GetRequiredService<DatabaseStart>().TryAsync();
        if (app.Environment.IsProduction() && app.Services.GetRequiredService<IOptions<MailOptions>>().Value.Host is null)
            app.Logger.LogWarning("Mail__Host is not set: mails are written to DataDirectory/mail and reach nobody.");
        return DescribeAsync(app, decoding);
    }

    /// <summary>Runs a command instead of serving requests.</summary>
    public static async Task<int> RunAsync(this WebApplication app, CommandLine command)
    {
        KeepPrivate();
        Validate(app);
        using var scope = app.Services.CreateScope();
        if (command.Command!.NeedsDatabase)
        {
            app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value.RequireNoHalf();
            await RequireDatabaseAsync(scope.ServiceProvider);
        }
        return await command.RunAsync(scope.ServiceProvider, Console.Out, Console.IsInputRedirected ? null : Console.In);
    }

    static async Task RequireDatabaseAsync(IServiceProvider scope)
    {
        try
        {
            if (scope.GetRequiredService<DatabaseEngine>().IsMissing
                || (await scope.GetRequiredService<ProfilesDbContext>().Database.GetPendingMigrationsAsync()).Any())
                throw new StartException("The database is missing or older than this program: run Profiles migrate.");
            // They are told what a command changes, too.
            await scope.GetRequiredService<WebhookEndpoints>().LoadAsync(CancellationToken.None);
        }
        catch (DbException e)
        {
            throw new StartException(
                "The database cannot be used (ConnectionStrings__Profiles, or profiles.db in DataDirectory): "
                    + (DatabaseErrors.Sentence(e) ?? "it does not answer."));
        }
    }

    // The database, images and keys are readable only by the service's user.
    static void KeepPrivate()
    {
        if (!OperatingSystem.IsWindows())
            _ = SetUmask(Convert.ToInt32("077", 8));
    }

    static async Task DescribeAsync(WebApplication app, Task<WorkerGreeting> decoding)
    {
        var worker = await decoding;
        app.Logger.LogInformation("Images are processed by libvips {Version}.", worker.VipsVersion);
        if (!OperatingSystem.IsLinux())
            app.Logger.LogWarning("Images are decoded without the sandbox of Linux: a hijacked worker could do what this user can.");
        else if (!worker.HasLandlock)
            app.Logger.LogWarning("This kernel has no Landlock: a hijacked worker could read the files that this user can.");
    }

    static void Validate(WebApplication app)
    {
        try
        {
            app.Services.GetRequiredService<IStartupValidator>().Validate();
        }
        catch (AggregateException e)
        {
            // A section that others depend on fails once for each of them.
            throw new StartException(string.Join(' ', e.InnerExceptions.Select(i => i.Message).Distinct()));
        }
    }

    static async Task RequireWritableAsync(string setting, Func<Task> use)
    {
        try
        {
            await use();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"{setting} cannot be created or written to.");
        }
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial int SetUmask(int mask);
}
