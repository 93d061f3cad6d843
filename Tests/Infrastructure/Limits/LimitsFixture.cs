using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Profiles.Tests.Infrastructure.Limits;

/// <summary>A service with low limits, whose clients have addresses, some of them behind proxies.</summary>
public class LimitsFixture : ProfilesFixture
{
    public const int Registrations = 3, Guests = 2, OfAccount = 8, OfAddress = 12;

    static readonly string Shared = TemporaryDirectory.Make("limits");

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("DataDirectory", Path.Combine(Shared, "data"));
        if (TestDatabase.For(Shared) is { } postgreSql)
            a.UseSetting("ConnectionStrings:Profiles", postgreSql);
        a.UseSetting("TrustedProxies", "10.1.0.0/16, 192.0.2.1, 2001:db8:ffff::/48");
        a.UseSetting("Limits:LoginFailures", "5");
        a.UseSetting("Limits:LoginFailuresOfAccount", $"{OfAccount}");
        a.UseSetting("Limits:LoginFailuresOfAddress", $"{OfAddress}");
        a.UseSetting("Limits:Registrations", $"{Registrations}");
        a.UseSetting("Limits:Guests", $"{Guests}");
    }

    protected override void ConfigureServices(IServiceCollection s)
    {
        base.ConfigureServices(s);
        s.AddSingleton<IStartupFilter, ClientAddresses>();
    }
}

/// <summary>Another instance on the same database.</summary>
public sealed class OtherInstanceFixture : LimitsFixture;

/// <summary>An instance whose clock the tests move.</summary>
public sealed class MovedLimitsFixture : LimitsFixture;
