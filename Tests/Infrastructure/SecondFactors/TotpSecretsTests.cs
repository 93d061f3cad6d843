using Microsoft.Extensions.Options;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.SecondFactors;

public sealed class TotpSecretsTests
{
    const string KeyEncryptionKey = "the-first-K3v9QmT5xZr7Wp1LbY8sQ2";

    // RFC 6238, appendix B: "12345678901234567890" in ASCII; the last six of its eight digits.
    const string RfcSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    [Theory]
    [InlineData(1111111109, "081804")]
    [InlineData(1111111111, "050471")]
    [InlineData(1234567890, "005924")]
    [InlineData(2000000000, "279037")]
    [InlineData(20000000000, "353130")]
    public void The_codes_are_those_of_the_standard_for_a_step_before_and_after(long second, string code)
    {
        var at = DateTimeOffset.FromUnixTimeSeconds(second);
        Authenticator.Code(RfcSecret, at).ShouldBe(code);
        foreach (var steps in new[] { -1, 0, 1 })
            Secrets(at.AddSeconds(30 * steps)).FindStep(RfcSecret, code).ShouldBe(second / 30);
        foreach (var steps in new[] { -2, 2 })
            Secrets(at.AddSeconds(30 * steps)).FindStep(RfcSecret, code).ShouldBeNull();
    }

    [Fact]
    public void With_a_key_secrets_are_stored_encrypted_and_with_another_key_they_are_not_read()
    {
        var secret = TotpSecrets.New();
        secret.ShouldMatch("^[A-Z2-7]{32}$");
        var at = DateTimeOffset.FromUnixTimeSeconds(1234567890);
        var (plain, encrypting) = (Secrets(at), Secrets(at, KeyEncryptionKey));
        plain.Seal(secret).ShouldBe(secret);
        var stored = encrypting.Seal(secret);
        stored.ShouldNotContain(secret);
        stored.Length.ShouldBeLessThanOrEqualTo(Profiles.Data.SecondFactor.SecretMaxLength);
        encrypting.FindStep(stored, Authenticator.Code(secret, at)).ShouldNotBeNull();
        Should.Throw<StartException>(() => plain.FindStep(stored, "123456"));
        Should.Throw<StartException>(() => Secrets(at, KeyEncryptionKey[..^1] + "3").FindStep(stored, "123456"));
        // A secret from before the setting is encrypted at its next use.
        encrypting.FindStep(secret, Authenticator.Code(secret, at)).ShouldNotBeNull();
        encrypting.Sealed(secret).ShouldNotContain(secret);
        encrypting.Sealed(stored).ShouldBe(stored);
    }

    [Theory]
    [InlineData("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    [InlineData("gezd gnbv gy3t qojq", "GEZDGNBVGY3TQOJQ")]
    [InlineData("MZXW6YTBOJTG63ZANFZQ====", "MZXW6YTBOJTG63ZANFZQ")]
    [InlineData("", null)]
    [InlineData("====", null)]
    [InlineData("GEZDGNBVGY3TQOI", null)]
    [InlineData("GEZDGNBVGY3TQOJ1", null)]
    [InlineData("GEZDGNBVGY3TQOJÄ", null)]
    public void Secrets_of_other_services_are_read_in_the_form_that_people_type(string typed, string? stored) =>
        TotpSecrets.Normalize(typed).ShouldBe(stored);

    [Fact]
    public void The_longest_imported_secret_fits_when_it_is_encrypted()
    {
        var longest = new string('A', 102) + "Q";
        TotpSecrets.Normalize(longest).ShouldNotBeNull();
        TotpSecrets.Normalize(longest + "AA").ShouldBeNull();
        Secrets(DateTimeOffset.UnixEpoch, KeyEncryptionKey).Seal(longest).Length
            .ShouldBeLessThanOrEqualTo(Profiles.Data.SecondFactor.SecretMaxLength);
    }

    static TotpSecrets Secrets(DateTimeOffset at, string? key = null) =>
        new(Options.Create(new JwtOptions { KeyEncryptionKey = key }), new StoppedClock(at));

    sealed class StoppedClock(DateTimeOffset at) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => at;
    }
}
