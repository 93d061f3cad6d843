using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Startup;

/// <summary>What must hold before the first request is taken; whatever fails here stops the start.</summary>
static partial class Preparation
{
    public static async Task PrepareAsync(this WebApplication app)
    {
        // Databases, pictures and keys are nobody else's business on this machine.
        if (!OperatingSystem.IsWindows())
            _ = SetUmask(Convert.ToInt32("077", 8));
        var service = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value;
        await UseAsync("DataDirectory", () => Task.FromResult(PrivateFiles.CreateDirectory(service.DataDirectory)));
        Validate(app);
        if (!app.ListensSomewhere())
            throw new StartException("ASPNETCORE_URLS must be addresses such as http://localhost:8000, separated by semicolons.");
        // It takes its time, most of it not this process's.
        var decoding = StartDecodingAsync(app);
        if (app.Services.GetRequiredService<IImageStorage>() is LocalImageStorage pictures)
            await UseAsync("Images__Directory", () => pictures.CheckAsync(CancellationToken.None));
        await app.Services.GetRequiredService<DatabaseStart>().TryAsync();
        var worker = await decoding;
        app.Logger.LogInformation("Images are processed by libvips {Version}.", worker.VipsVersion);
        if (app.Environment.IsProduction() && app.Services.GetRequiredService<IOptions<MailOptions>>().Value.Host is null)
            app.Logger.LogWarning("Mail__Host is not set: mails are files in DataDirectory/mail and reach nobody.");
        if (!OperatingSystem.IsLinux())
            app.Logger.LogWarning("Images are decoded in a process without the sandbox that it has on Linux: it can do what this user can.");
        else if (!worker.HasLandlock)
            app.Logger.LogWarning("This kernel has no Landlock: a process that decodes images could read the files that this user can.");
    }

    /// <summary>In place of serving, says whether the two stores agree; changes nothing.</summary>
    public static async Task<int> CheckAsync(this WebApplication app)
    {
        Validate(app);
        await StartDecodingAsync(app);
        return await StoreCheck.RunAsync(app.Services);
    }

    static async Task<WorkerGreeting> StartDecodingAsync(WebApplication app)
    {
        try
        {
            return await app.Services.GetRequiredService<DecodePool>().StartAsync();
        }
        catch (InvalidOperationException e)
        {
            // Its sentence says what is missing.
            throw new StartException(e.Message);
        }
    }

    static void Validate(WebApplication app)
    {
        try
        {
            app.Services.GetRequiredService<IStartupValidator>().Validate();
        }
        catch (AggregateException e)
        {
            // One for each section; a section that others depend on fails again with each of them.
            throw new StartException(string.Join(' ', e.InnerExceptions.Select(i => i.Message).Distinct()));
        }
    }

    static async Task UseAsync(string setting, Func<Task> use)
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
