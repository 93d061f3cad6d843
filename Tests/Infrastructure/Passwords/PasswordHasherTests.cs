using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Tests.Infrastructure.Passwords;

/// <summary>What bcrypt is not to be given.</summary>
public sealed class PasswordHasherTests
{
    public static TheoryData<string> NoPasswords => ["abcdefgh\0abcdefgh", "abcdefgh\0", "abcdefgh\ud83d"];

    [Theory]
    [MemberData(nameof(NoPasswords))]
    public async Task A_NUL_and_half_a_character_make_another_password(string tried)
    {
        using var hasher = new PasswordHasher(Options.Create(new PasswordOptions { WorkFactor = 4 }));
        var hash = await hasher.HashAsync("abcdefgh", TestContext.Current.CancellationToken);

        (await hasher.VerifyAsync("abcdefgh", hash, TestContext.Current.CancellationToken)).ShouldBeTrue();
        (await hasher.VerifyAsync(tried, hash, TestContext.Current.CancellationToken)).ShouldBeFalse();
    }
}
