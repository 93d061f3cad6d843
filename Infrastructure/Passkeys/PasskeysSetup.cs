using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Passkeys;

/// <summary>Registers passkeys (WebAuthn Level 3).</summary>
static class PasskeysSetup
{
    public static IServiceCollection AddPasskeys(this IServiceCollection services)
    {
        services.AddSection<PasskeysOptions>("Passkeys")
            .Validate(o => o.HasDomain, "Passkeys__RelyingPartyId must be a domain in lower case such as example.com.")
            .Validate(o => o.HasOrigins, "Passkeys__Origins must be origins such as https://app.example.com or "
                + "android:apk-key-hash: with a certificate's SHA-256 hash in base64url, separated by commas.")
            .Validate(o => o.HasAndroidApps, "Passkeys__AndroidApps must be packages with the SHA-256 fingerprints of their certificates, "
                + "such as com.example.app 14:6D:E9:…, separated by semicolons.")
            .Validate(o => o.HasAppleApps, "Passkeys__AppleApps must be apps such as ABCDE12345.com.example.app, separated by commas.")
            .Validate<IOptions<ServiceOptions>>(
                (o, service) => !o.HasDomain || !o.HasOrigins || !o.HasAndroidApps || service.Value.PublicBaseUrl is null
                    || RelyingParty.OriginsOf(o, service.Value).Any(),
                "Passkeys__RelyingPartyId must be the host of each of Passkeys__Origins (of PublicBaseUrl where none is named) or a domain "
                    + "above it.");
        return services
            .AddSingleton<RelyingParty>()
            .AddSingleton<PasskeyVerifier>();
    }
}
