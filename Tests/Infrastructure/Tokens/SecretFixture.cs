using Microsoft.AspNetCore.Hosting;

namespace Profiles.Tests.Infrastructure.Tokens;

/// <summary>A service whose tokens are signed with a secret from its settings (HS256).</summary>
public sealed class SecretFixture : ProfilesFixture
{
    public const string Secret = "b7Jm-Vq2xTz9-Lw4Kp8-Rd1Hs6-Nc3Fg5";

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Jwt:SigningKey", Secret);
    }
}
