using BCrypt.Net;
using BC = BCrypt.Net.BCrypt;

namespace Profiles.Tests.Standins;

/// <summary>What the stand-in and the real BCrypt.Net-Next have in common; these pass with either.</summary>
public sealed class BCryptTests
{
    const string Password = "correct horse battery staple";
    const string Umlauts = "naïve café ☕";

    [Theory]
    [InlineData("ππππππππ", "$2a$10$.TtQJ4Jr6isd4Hp.mVfZeu", "h6Gws4rOQ/vdBczhDx.19NFK0Y84Dle")]
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.", "E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    public void A_known_vector_of_crypt_is_reproduced(string password, string salt, string digest)
    {
        BC.HashPassword(password, salt).ShouldBe(salt + digest);
        BC.HashPassword(password, salt + digest).ShouldBe(salt + digest);
        BC.Verify(password, salt + digest).ShouldBeTrue();
    }

    [Theory]
    [InlineData(Password, "$2y$10$wJvnU0rFq/F6jemNxLVKrezB2q9ftubg1a9rVHtvOX6ccYPJyQSfO")]
    [InlineData(Umlauts, "$2y$05$X45TsThNo03IvWKNPCk//O6x7mKn5g3wzLSBW5yy.pzqNRyQLc2SK")]
    public void A_hash_made_by_htpasswd_verifies(string password, string hash) => BC.Verify(password, hash).ShouldBeTrue();

    [Theory]
    [InlineData(Password, "$2b$10$u.t.BRldldi7R41m4tfh1OjohyYPdyV9OeF0oECiGsKKJsy7gVTKq")]
    [InlineData(Umlauts, "$2b$05$iozof9UnCC2nInWBWmpAaucSPP.jCr4BgomXsicbh6lHbdITcGf6S")]
    public void A_hash_made_by_bcryptjs_verifies(string password, string hash) => BC.Verify(password, hash).ShouldBeTrue();

    [Fact]
    public void A_new_hash_names_its_revision_and_work_factor_and_verifies()
    {
        var hash = BC.HashPassword(Password, workFactor: 5);

        hash.ShouldMatch(@"^\$2a\$05\$[./0-9A-Za-z]{53}$");
        BC.Verify(Password, hash).ShouldBeTrue();
    }

    [Fact]
    public void The_same_password_twice_gives_different_hashes() =>
        BC.HashPassword(Password, 4).ShouldNotBe(BC.HashPassword(Password, 4));

    [Fact]
    public void The_empty_password_is_a_password()
    {
        var hash = BC.HashPassword("", 4);

        BC.Verify("", hash).ShouldBeTrue();
        BC.Verify(" ", hash).ShouldBeFalse();
    }

    [Fact]
    public void Another_password_does_not_verify()
    {
        var hash = BC.HashPassword(Password, 4);

        BC.Verify(Password + ".", hash).ShouldBeFalse();
        BC.Verify(Password.ToUpperInvariant(), hash).ShouldBeFalse();
    }

    [Fact]
    public void A_hash_with_one_changed_character_does_not_verify()
    {
        var hash = BC.HashPassword(Password, 4);

        for (var at = 7; at < hash.Length; at++)
            BC.Verify(Password, hash[..at] + (hash[at] == 'A' ? 'B' : 'A') + hash[(at + 1)..]).ShouldBeFalse($"character {at}");
    }

    [Theory]
    [InlineData(72)]
    [InlineData(600)]
    public void Bytes_after_the_seventy_second_are_not_read(int length)
    {
        var hash = BC.HashPassword(new string('a', length), 4);

        BC.Verify(new string('a', 72), hash).ShouldBeTrue();
        BC.Verify(new string('a', 71), hash).ShouldBeFalse();
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("$1$abcdefgh$Uuk1aRZc8TxgIgQ2bCyba/")]
    [InlineData("$2c$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2a$05CCCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2a$00$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("$2a$32$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    public void A_hash_that_is_not_one_throws(string hash)
    {
        Should.Throw<SaltParseException>(() => BC.Verify("U*U", hash));
        Should.Throw<SaltParseException>(() => BC.HashPassword("U*U", hash));
    }

    [Theory]
    [InlineData("", typeof(ArgumentException))]
    [InlineData("$2a", typeof(IndexOutOfRangeException))]
    [InlineData("$2a$05$short", typeof(ArgumentOutOfRangeException))]
    [InlineData("$2a$xx$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", typeof(FormatException))]
    [InlineData("$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", typeof(ArgumentException))]
    public void A_hash_that_is_cut_off_or_out_of_range_throws_otherwise(string hash, Type exception) =>
        Should.Throw(() => BC.Verify("U*U", hash), exception).ShouldBeOfType(exception);

    [Theory]
    [InlineData("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe")]
    [InlineData("$2a$05$CCCCCCCCCCCCCCCCCCCCC.")]
    [InlineData("$2a$05$!CCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    public void A_hash_that_is_whole_only_as_a_salt_does_not_verify(string hash) => BC.Verify("U*U", hash).ShouldBeFalse();

    [Theory]
    [InlineData(3)]
    [InlineData(32)]
    public void A_work_factor_out_of_range_is_refused(int workFactor) =>
        Should.Throw<ArgumentOutOfRangeException>(() => BC.HashPassword(Password, workFactor));

    [Fact]
    public void A_hash_below_the_new_work_factor_needs_a_rehash()
    {
        const string hash = "$2b$10$u.t.BRldldi7R41m4tfh1OjohyYPdyV9OeF0oECiGsKKJsy7gVTKq";

        BC.PasswordNeedsRehash(hash, 11).ShouldBeTrue();
        BC.PasswordNeedsRehash(hash, 10).ShouldBeFalse();
        BC.PasswordNeedsRehash(hash, 9).ShouldBeFalse();
        Should.Throw<SaltParseException>(() => BC.PasswordNeedsRehash("garbage", 10));
    }

    [Fact]
    public void Hashes_made_at_the_same_time_do_not_disturb_each_other() =>
        Parallel.For(0, 64, i => BC.Verify($"password {i}", BC.HashPassword($"password {i}", 4)).ShouldBeTrue());
}
