using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Tests.Infrastructure.Passwords;

/// <summary>Passwords that bcrypt alone would treat as equal.</summary>
[Trait("Database", "Sqlite")]
public sealed class PasswordHasherTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Theory]
    [InlineData("ππππππππ", "$2a$10$.TtQJ4Jr6isd4Hp.mVfZeuh6Gws4rOQ/vdBczhDx.19NFK0Y84Dle")]
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    public async Task A_hash_of_another_implementation_is_verified(string password, string hash)
    {
        using var hasher = new PasswordHasher(
            Options.Create(new PasswordOptions { WorkFactor = 4 }), app.Services.GetRequiredService<ServiceMetrics>());

        (await hasher.VerifyAsync(password, hash, TestContext.Current.CancellationToken)).ShouldBeTrue();
        (await hasher.VerifyAsync(password + "x", hash, TestContext.Current.CancellationToken)).ShouldBeFalse();
    }

    public static TheoryData<string> NoPasswords => ["abcdefgh\0abcdefgh", "abcdefgh\0", "abcdefgh\ud83d"];

    [Theory]
    [MemberData(nameof(NoPasswords))]
    public async Task A_NUL_or_half_a_character_makes_another_password(string tried)
    {
        using var hasher = new PasswordHasher(
            Options.Create(new PasswordOptions { WorkFactor = 4 }), app.Services.GetRequiredService<ServiceMetrics>());
        var hash = await hasher.HashAsync("abcdefgh", TestContext.Current.CancellationToken);

        (await hasher.VerifyAsync("abcdefgh", hash, TestContext.Current.CancellationToken)).ShouldBeTrue();
        (await hasher.VerifyAsync(tried, hash, TestContext.Current.CancellationToken)).ShouldBeFalse();
    }
}
