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

    [Fact]
    public async Task Imported_hashes_that_need_much_memory_wait_for_each_other_and_no_other_waits_for_them()
    {
        Assert.SkipWhen(Environment.ProcessorCount == 1, "One thread hashes, so everything waits for it.");
        using var hasher = new PasswordHasher(
            Options.Create(new PasswordOptions { WorkFactor = 4 }), app.Services.GetRequiredService<ServiceMetrics>());
        const string Large = "$argon2id$v=19$m=131072,t=4,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        // Enough for all threads.
        var first = hasher.VerifyAsync("-", Large, end.Token);
        var waiting = Enumerable.Range(1, Environment.ProcessorCount).Select(_ => hasher.VerifyAsync("-", Large, end.Token)).ToArray();
        var other = hasher.HashAsync("-", end.Token);
        (await Task.WhenAny([first, other, .. waiting])).ShouldBe(other);
        await end.CancelAsync();
        foreach (var each in waiting)
            await Should.ThrowAsync<OperationCanceledException>(each);
        (await first).ShouldBeFalse();
    }
}
