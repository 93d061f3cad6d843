using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;

namespace Profiles.Tests.Features.Check;

/// <summary>The secrets that <c>check</c> tries to open; what it says of images is in <c>StoreCheckTests</c>.</summary>
public sealed class CheckTests
{
    [Fact]
    public async Task Secrets_that_the_settings_do_not_open_are_counted()
    {
        var installation = new Installation();
        await installation.SucceedAsync("migrate");
        await AddAsync(installation, "JBSWY3DPEHPK3PXP", "{}");
        (await installation.SucceedAsync("check")).ShouldEndWith(": no fault.\n");
        await AddAsync(installation, "aes256gcm:AAAA", "aes256gcm:AAAA");
        var (exitCode, said) = await installation.RunAsync("check");
        exitCode.ShouldBe(1);
        said.ShouldStartWith("Jwt__KeyEncryptionKey does not open the secrets of 1 authenticator apps: their owners log in with recovery "
            + "codes, or need `users reset-mfa`.\nJwt__KeyEncryptionKey does not open the secrets of 1 identities of Apple: ");
    }

    static Task<int> AddAsync(Installation installation, string secret, string token) => installation.UseAsync(async services =>
    {
        var db = services.GetRequiredService<ProfilesDbContext>();
        var user = new User { Profile = new() { Name = "" } };
        db.Users.Add(user);
        await db.SaveChangesAsync(TestContext.Current.CancellationToken);
        db.SecondFactors.Add(new() { UserId = user.Id, Secret = secret });
        db.Identities.Add(new()
        {
            UserId = user.Id,
            Provider = "apple",
            Subject = $"{user.Id}",
            CreatedAt = DateTime.UnixEpoch,
            RefreshToken = token,
        });
        return await db.SaveChangesAsync(TestContext.Current.CancellationToken);
    });
}
