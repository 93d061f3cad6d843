using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Admin;

/// <summary>
/// Creates and finds the keys of operators' programs and of other services: a prefix that secret scanners recognise and 256 random bits, of
/// which the database stores only the hash.
/// </summary>
sealed class AdminKeys(ProfilesDbContext db)
{
    const string Prefix = "pak_";

    const int Bytes = 32;

    static readonly int Length = Prefix.Length + Base64Url.GetEncodedLength(Bytes);

    /// <summary>Creates the text of a key, which is shown once, and the hash that the database stores.</summary>
    public static (string Key, byte[] Hash) Make()
    {
        var key = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));
        return (key, Hash(key));
    }

    /// <summary>
    /// Finds the row of a key by its hash, so that the time of the query reveals nothing of the key. Null when there is none. A key is
    /// never cached: it is refused from the moment it is revoked.
    /// </summary>
    /// <param name="key">The key as it was sent, of any length.</param>
    /// <param name="ct">Cancels the query.</param>
    public async Task<AdminKey?> FindAsync(string key, CancellationToken ct)
    {
        if (key.Length != Length || !key.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        var hash = Hash(key);
        return await ProfilesDbContext.ReadAsync(() => db.AdminKeys.AsNoTracking().SingleOrDefaultAsync(k => k.Hash == hash, ct));
    }

    static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
