using System.Runtime.InteropServices;
using Profiles.Data;
using Profiles.Infrastructure.Passwords;
using BC = BCrypt.Net.BCrypt;

namespace Profiles.Tests.Infrastructure.Passwords;

/// <summary>libcrypt and BCrypt.Net, which stands in for it.</summary>
[Trait("Database", "Sqlite")]
public sealed class BcryptTests
{
    static readonly Bcrypt ByLibcrypt = new(Bcrypt.Libcrypt), ByPackage = new((_, _) => null);

    static readonly string Longest = new('a', User.PasswordMaxBytes);

    public static TheoryData<string, int> Passwords => new MatrixTheoryData<string, int>(
        ["", " ", "-", "correct horse battery staple", "\u0001\u007F", "ππππππππ", "日本語のパスワード", "😀 x", "\uFFFFx", Longest,
            string.Concat(Enumerable.Repeat("π", User.PasswordMaxBytes / 2))],
        [4, 5]);

    [Theory]
    [MemberData(nameof(Passwords))]
    public void Libcrypt_and_the_package_verify_the_hashes_of_each_other(string password, int cost)
    {
        SkipWithoutLibcrypt();
        var wrong = password.Length == 0 ? "x" : password[..^1];
        Bcrypt.Libcrypt(password, BC.GenerateSalt(cost)).ShouldNotBeNull().Length.ShouldBe(User.PasswordHashLength);

        foreach (var hash in new[] { ByLibcrypt.Hash(password, cost), ByPackage.Hash(password, cost) })
        {
            hash.ShouldStartWith($"$2a$0{cost}$");
            foreach (var bcrypt in new[] { ByLibcrypt, ByPackage })
            {
                bcrypt.Verify(password, hash).ShouldBeTrue();
                bcrypt.Verify(wrong, hash).ShouldBeFalse();
            }
            BC.Verify(password, hash).ShouldBeTrue();
        }
    }

    // The vectors of crypt_blowfish.
    [Theory]
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK")]
    [InlineData("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a")]
    [InlineData("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy")]
    [InlineData("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui")]
    public void The_known_vectors_are_verified_under_every_prefix(string password, string hash)
    {
        foreach (var prefix in new[] { "$2a", "$2b", "$2y" })
        {
            foreach (var bcrypt in new[] { ByLibcrypt, ByPackage })
            {
                bcrypt.Verify(password, prefix + hash[3..]).ShouldBeTrue();
                bcrypt.Verify(password, prefix + hash[3..^1] + ".").ShouldBeFalse();
            }
        }
    }

    // The last character of a salt has four bits that say nothing.
    [Fact]
    public void Stray_bits_of_a_salt_are_judged_as_before()
    {
        const string Hash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        var expected = BC.Verify("U*U", Hash);

        ByLibcrypt.Verify("U*U", Hash).ShouldBe(expected);
        ByPackage.Verify("U*U", Hash).ShouldBe(expected);
    }

    [Fact]
    public void Libcrypt_refuses_what_is_no_salt()
    {
        SkipWithoutLibcrypt();
        Bcrypt.Libcrypt("password", "$2a$03$CCCCCCCCCCCCCCCCCCCCC.").ShouldBeNull();
        Bcrypt.Libcrypt("password", "$2$04$CCCCCCCCCCCCCCCCCCCCCC.").ShouldBeNull();
    }

    [Fact]
    public void Libraries_that_fail_or_hash_wrongly_are_not_used()
    {
        var hash = ByPackage.Hash("password", 4);
        Func<string, string, string?>[] broken =
        [
            (_, _) => null,
            (_, _) => "*0",
            (_, _) => hash,
            (_, salt) => salt,
            (password, salt) => BC.HashPassword(password + "x", salt),
            CorrectOnce(null),
            CorrectOnce("*0"),
        ];
        foreach (var native in broken)
        {
            var bcrypt = new Bcrypt(native);
            bcrypt.Verify("password", hash).ShouldBeTrue();
            bcrypt.Verify("passwor", hash).ShouldBeFalse();
            BC.Verify("password", bcrypt.Hash("password", 4)).ShouldBeTrue();
        }
    }

    // As the known password is, which is hashed first.
    static Func<string, string, string?> CorrectOnce(string? afterwards)
    {
        var calls = 0;
        return (password, salt) => calls++ == 0 ? BC.HashPassword(password, salt) : afterwards;
    }

    static void SkipWithoutLibcrypt() => Assert.SkipUnless(NativeLibrary.TryLoad("libcrypt.so.1", out _), "There is no libcrypt.so.1.");
}
