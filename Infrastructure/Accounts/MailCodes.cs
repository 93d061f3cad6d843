using System.Buffers.Binary;
using System.Buffers.Text;
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
/// code, and a mail that is sent again, because nobody knows whether the first copy arrived, has the same digits. They are valid with the
/// token of the request that asked for them.
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

    /// <summary>Adds the code of a mail that has digits only where <see cref="MailOptions.Codes"/> is set; else returns nulls.</summary>
    /// <inheritdoc cref="AddAsync"/>
    public async Task<(string? Token, byte[]? Hash)> AskAsync(MailCodePurpose purpose, string normalizedEmail, CancellationToken ct) =>
        options.Value.Codes ? await AddAsync(purpose, normalizedEmail, ct) : default;

    /// <summary>Adds the code that a request asks for, without digits until its mail is written; the caller saves it.</summary>
    /// <returns>The token of the request's answer, without which the digits are void, and its hash for the mail.</returns>
    public async Task<(string Token, byte[] Hash)> AddAsync(MailCodePurpose purpose, string normalizedEmail, CancellationToken ct)
    {
        var all = db.MailCodes.Where(c => c.Purpose == purpose && c.NormalizedEmail == normalizedEmail);
        var kept = all.OrderByDescending(c => c.Nonce != null).ThenByDescending(c => c.Id).Take(MostKept).Select(c => c.Id);
        await all.Where(c => !kept.Contains(c.Id)).ExecuteDeleteAsync(ct);
        var (token, hash) = OneTimeTokens.Make();
        db.MailCodes.Add(new()
        {
            Purpose = purpose,
            RequestHash = hash,
            NormalizedEmail = normalizedEmail,
            ExpiresAt = Now + MailCode.Lifetime,
        });
        return (token, hash);
    }

    /// <summary>Whether the digits of a request are still to be mailed.</summary>
    public async Task<bool> AreWantedAsync(byte[] requestHash) => await Wanted(requestHash).CountAsync() == 1;

    /// <summary>
    /// Returns the digits of a request for its mail, how many minutes are left of their time, and the long token that they stand for in a
    /// mail that has one; null when the request asked for none, or they are void by now or will be before anybody could type them.
    /// </summary>
    public async Task<WrittenCode?> WriteAsync(byte[] requestHash)
    {
        if (requestHash.Length == 0)
            return null;
        var (nonce, codes) = (RandomNumberGenerator.GetBytes(MailCode.NonceLength), Wanted(requestHash));
        await codes.Where(c => c.Nonce == null).ExecuteUpdateAsync(c => c.SetProperty(x => x.Nonce, nonce));
        return await codes.AsNoTracking().SingleOrDefaultAsync() is { } code
            ? new(DigitsOf(code), TimeSpan.FromMinutes(Math.Ceiling((code.ExpiresAt - Now).TotalMinutes)), TokenOf(code)) : null;
    }

    /// <summary>
    /// Counts a try, and only then compares: the code whose digits these are, or null. A wrong one, one that has expired, one that had too
    /// many tries, one that was never mailed and one that never was take the same work.
    /// </summary>
    /// <param name="purpose">What they are for.</param>
    /// <param name="normalizedEmail">Whose they are.</param>
    /// <param name="digits">The digits.</param>
    /// <param name="requestHash">The hash of the token of the request that asked for them.</param>
    /// <param name="ct">Cancels it.</param>
    public async Task<MailCode?> TryAsync(
        MailCodePurpose purpose, string normalizedEmail, string digits, byte[] requestHash, CancellationToken ct)
    {
        var now = Now;
        var tried = await db.WriteAsync(
            () => db.MailCodes.FromSql($"""
                UPDATE mail_codes SET tries = tries + 1
                WHERE request_hash = {requestHash} AND normalized_email = {normalizedEmail} AND purpose = {(int)purpose}
                    AND tries < {MailCode.MostTries} AND expires_at > {now}
                RETURNING *
                """).AsNoTracking().ToListAsync(ct),
            ct);
        var code = tried.SingleOrDefault(c => c.Nonce is not null);
        var right = Encoding.ASCII.GetBytes(DigitsOf(code ?? Nobody));
        return CryptographicOperations.FixedTimeEquals(right, Encoding.ASCII.GetBytes(digits)) ? code : null;
    }

    /// <summary>
    /// Returns the long token of the code's mail. The digits stand for it, so that they confirm what it would, and end when it does.
    /// </summary>
    public string TokenOf(MailCode code) => Base64Url.EncodeToString(MacOf(code, "token"u8));

    /// <summary>Uses up a code in the caller's transaction; false when another request has used it.</summary>
    public async Task<bool> TryUseAsync(MailCode code, CancellationToken ct) =>
        await db.MailCodes.Where(c => c.Id == code.Id).ExecuteDeleteAsync(ct) == 1;

    // In the last minute nobody could type them.
    IQueryable<MailCode> Wanted(byte[] requestHash)
    {
        var soon = Now + TimeSpan.FromMinutes(1);
        return db.MailCodes.Where(c => c.RequestHash == requestHash && c.ExpiresAt > soon);
    }

    // As HOTP makes its digits (RFC 4226), of so many bytes that all are equally likely.
    string DigitsOf(MailCode code) =>
        (BinaryPrimitives.ReadUInt64BigEndian(MacOf(code, [])) % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);

    byte[] MacOf(MailCode code, ReadOnlySpan<byte> use)
    {
        key ??= HKDF.DeriveKey(HashAlgorithmName.SHA256, keys.Current.Key, outputLength: 32, info: "profiles mail code"u8.ToArray());
        byte[] unique = [.. use, .. code.RequestHash, .. code.Nonce!];
        return HMACSHA256.HashData(key, unique);
    }
}

/// <summary>What a mail says of a code.</summary>
/// <param name="Digits">The digits.</param>
/// <param name="Lifetime">How many minutes are left of their time.</param>
/// <param name="Token">The long token that they stand for.</param>
sealed record WrittenCode(string Digits, TimeSpan Lifetime, string Token);
