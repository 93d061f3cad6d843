using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Auth;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Settings;

/// <summary>What must hold before the first request is taken; whatever fails here stops the start.</summary>
static partial class Preparation
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public static async Task PrepareAsync(this WebApplication app)
    {
        // Databases, pictures and keys are nobody else's business on this machine.
        _ = SetUmask(Convert.ToInt32("077", 8));
        var service = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value;
        try
        {
            Directory.CreateDirectory(service.DataDirectory, OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException("DataDirectory cannot be created or written to.");
        }
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        app.Services.GetRequiredService<SigningKeys>();
        Vips.Start();
        app.Logger.LogInformation("Pictures are processed by libvips {Version}; HEIC is {Heic}.", Vips.Version, Vips.DecodesHeic ? "accepted" : "not supported here");
        await app.MigrateAsync();
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial int SetUmask(int mask);
}
