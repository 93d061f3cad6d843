using System.Formats.Tar;
using System.Text;
using System.Text.RegularExpressions;

namespace Profiles.Infrastructure.Backup;

/// <summary>
/// The form of an archive, a tar that <c>tar</c> and <c>sha256sum -c SHA256SUMS</c> read: the manifest, the images, the tables in parts,
/// the SHA-256 of each of these, and a seal with the SHA-256 of all bytes before it.
/// </summary>
static partial class Archive
{
    public const string Manifest = "manifest.json", Sums = "SHA256SUMS", ImageFolder = "images/";

    /// <summary>The seal's header, its text and the end of the tar.</summary>
    public const int SealBytes = 2048;

    /// <summary>No image and no part of a table is larger, packed or not.</summary>
    public const int LargestEntry = 64 * 1024 * 1024;

    /// <summary>A part of a table ends with the row that passes this.</summary>
    public const int PartBytes = 4 * 1024 * 1024;

    public static string PartOf(string table) => $"tables/{table}/";

    /// <summary>Whether it can be the name of an entry before the sums: no other path comes out of an archive.</summary>
    public static bool IsName(string name) => Names().IsMatch(name);

    public static UstarTarEntry Entry(string name, Stream content) => new(TarEntryType.RegularFile, name)
    {
        Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        ModificationTime = DateTimeOffset.UnixEpoch,
        DataStream = content,
    };

    public static string Sum(byte[] sha256, string name) => $"{Convert.ToHexStringLower(sha256)}  {name}\n";

    /// <summary>The last bytes of an archive.</summary>
    public static byte[] Seal(byte[] sha256)
    {
        using var bytes = new MemoryStream();
        using (var tar = new TarWriter(bytes, TarEntryFormat.Ustar, leaveOpen: true))
            tar.WriteEntry(Entry("seal", new MemoryStream(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(sha256)))));
        return bytes.ToArray();
    }

    [GeneratedRegex(
        @"^(manifest\.json|images/[1-9][0-9]{0,18}(_[0-9]{1,5}\.[0-9A-Za-z_-]{1,100})?\.jpg|tables/[a-z_]{1,63}/[0-9]{6}\.jsonl\.gz)\z")]
    private static partial Regex Names();
}
