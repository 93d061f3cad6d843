using Microsoft.AspNetCore.Hosting;

namespace Profiles.Tests.Infrastructure.Passkeys;

/// <summary>A service below the domain of its passkeys, with apps.</summary>
public sealed class PasskeyAppsFixture : ProfilesFixture
{
    public const string Fingerprint =
        "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5";

    public const string OtherFingerprint =
        "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:FF";

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("PublicBaseUrl", "https://api.example.com");
        a.UseSetting("AllowedHosts", "localhost");
        a.UseSetting("Passkeys:RelyingPartyId", "example.com");
        a.UseSetting("Passkeys:RelyingPartyName", "Example");
        a.UseSetting("Passkeys:Origins", "https://www.example.com, https://example.com:8443,"
            + "android:apk-key-hash:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
        a.UseSetting("Passkeys:AndroidApps",
            $"com.example.app {Fingerprint}; com.example.beta {Fingerprint} {OtherFingerprint.ToLowerInvariant()};");
        a.UseSetting("Passkeys:AppleApps", "ABCDE12345.com.example.app, ABCDE12345.com.example.beta");
    }
}
