using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// The six digits of mails (docs/signing-in.md). They are made of a row's random bytes and a key of the service: the database alone has no
/// code, and a mail that is sent again, because nobody knows whether the first copy arrived, has the same digits.
/// </summary>
sealed class MailCodes(ProfilesDbContext db, SigningKeys keys, IOptions<MailOptions> options, TimeProvider clock)
{
    // Beside the newest. Of an address, since nobody needs more; those that were mailed stay before those that were not, so that a stranger
    // who asks for more than the mails of an hour voids no code that a person is typing.
    const int MostKept = 5;

    static readonly MailCode Nobody = new()
    {
        Purpose = MailCodePurpose.Login,
        RequestHash = new byte[Session.HashLength],
        NormalizedEmail = "",
        Nonce = new byte[MailCode.NonceLength],
        ExpiresAt = default,
    };

    byte[]? key;

    DateTime Now => ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime);

    /// <summary>Adds the code of a login, without digits until its mail is written; the caller saves it.</summary>
    public async Task AddLoginAsync(string normalizedEmail, byte[] requestHash, CancellationToken ct)
    {
        var all = db.MailCodes.Where(c => c.Purpose == MailCodePurpose.Login && c.NormalizedEmail == normalizedEmail);
        var kept = all.OrderByDescending(c => c.Nonce != null).ThenByDescending(c => c.Id).Take(MostKept).Select(c => c.Id);
        await all.Where(c => !kept.Contains(c.Id)).ExecuteDeleteAsync(ct);
        db.MailCodes.Add(Make(MailCodePurpose.Login, normalizedEmail, requestHash, nonce: null));
    }

    /// <summary>Whether the code of a login can still be used.</summary>
    public async Task<bool> IsLoginAsync(byte[] requestHash)
    {
        var now = Now;
        return await db.MailCodes.CountAsync(c => c.RequestHash == requestHash && c.ExpiresAt > now) == 1;
    }

    /// <summary>
    /// Returns the digits of a login for its mail, and how many minutes are left of their time; null when the code is void by now.
    /// </summary>
    public async Task<(string Digits, TimeSpan Lifetime)?> WriteLoginAsync(byte[] requestHash)
    {
        var (nonce, now) = (RandomNumberGenerator.GetBytes(MailCode.NonceLength), Now);
        var codes = db.MailCodes.Where(c => c.RequestHash == requestHash && c.ExpiresAt > now);
        await codes.Where(c => c.Nonce == null).ExecuteUpdateAsync(c => c.SetProperty(x => x.Nonce, nonce));
        return await codes.AsNoTracking().SingleOrDefaultAsync() is { } code
            ? (DigitsOf(code), TimeSpan.FromMinutes(Math.Ceiling((code.ExpiresAt - now).TotalMinutes))) : null;
    }

    /// <summary>
    /// Saves digits that stand for the token of the same mail, and returns them; earlier ones of the address and purpose become invalid.
    /// Null while such mails have none.
    /// </summary>
    public async Task<string?> ReplaceAsync(TokenPurpose purpose, string normalizedEmail, string token)
    {
        if (!options.Value.Codes)
            return null;
        var nonce = RandomNumberGenerator.GetBytes(MailCode.NonceLength);
        var code = Make(PurposeOf(purpose), normalizedEmail, OneTimeTokens.Hash(token), nonce);
        await db.MailCodes.Where(c => c.Purpose == code.Purpose && c.NormalizedEmail == normalizedEmail).ExecuteDeleteAsync();
        db.MailCodes.Add(code);
        await db.SaveChangesAsync();
        return DigitsOf(code);
    }

    /// <summary>
    /// Counts a try, and only then compares: the code whose digits these are, or null. A wrong one, one that has expired, one that had too
    /// many tries and one that never was take the same work.
    /// </summary>
    /// <param name="purpose">What they are for.</param>
    /// <param name="normalizedEmail">Whose they are.</param>
    /// <param name="digits">The digits.</param>
    /// <param name="requestHash">Of a login the hash of its request's token, else empty.</param>
    /// <param name="ct">Cancels it.</param>
    public async Task<MailCode?> TryAsync(
        MailCodePurpose purpose, string normalizedEmail, string digits, byte[] requestHash, CancellationToken ct)
    {
        var now = Now;
        var tried = await db.WriteAsync(
            () => db.MailCodes.FromSql($"""
                UPDATE mail_codes SET tries = tries + 1
                WHERE normalized_email = {normalizedEmail} AND purpose = {(int)purpose}
                    AND (request_hash = {requestHash} OR purpose <> {(int)MailCodePurpose.Login})
                    AND tries < {MailCode.MostTries} AND expires_at > {now} AND nonce IS NOT NULL
                RETURNING *
                """).AsNoTracking().ToListAsync(ct),
            ct);
        var given = Encoding.ASCII.GetBytes(digits);
        MailCode? right = null;
        foreach (var code in tried.DefaultIfEmpty(Nobody))
        {
            if (CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(DigitsOf(code)), given))
                right = code;
        }
        return tried.Count > 0 ? right : null;
    }

    /// <summary>Uses up a code in the caller's transaction; false when another request has used it.</summary>
    public async Task<bool> TryUseAsync(MailCode code, CancellationToken ct) =>
        await db.MailCodes.Where(c => c.Id == code.Id).ExecuteDeleteAsync(ct) == 1;

    public static MailCodePurpose PurposeOf(TokenPurpose purpose) =>
        purpose == TokenPurpose.ResetPassword ? MailCodePurpose.ResetPassword : MailCodePurpose.VerifyEmail;

    MailCode Make(MailCodePurpose purpose, string normalizedEmail, byte[] requestHash, byte[]? nonce) => new()
    {
        Purpose = purpose,
        RequestHash = requestHash,
        NormalizedEmail = normalizedEmail,
        Nonce = nonce,
        ExpiresAt = Now + MailCode.Lifetime,
    };

    // As HOTP makes its digits (RFC 4226), of so many bytes that all are equally likely.
    string DigitsOf(MailCode code)
    {
        key ??= HKDF.DeriveKey(HashAlgorithmName.SHA256, keys.Current.Key, outputLength: 32, info: "profiles mail code"u8.ToArray());
        byte[] unique = [.. code.RequestHash, .. code.Nonce!];
        var mac = HMACSHA256.HashData(key, unique);
        return (BinaryPrimitives.ReadUInt64BigEndian(mac) % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);
    }
}
