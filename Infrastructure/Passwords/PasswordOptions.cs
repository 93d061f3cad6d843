using System.ComponentModel.DataAnnotations;

namespace Profiles.Infrastructure.Passwords;

/// <summary>Settings of passwords.</summary>
public sealed class PasswordOptions
{
    /// <summary>The lowest value of <see cref="MinimumLength"/>.</summary>
    public const int LeastMinimumLength = 5;

    /// <summary>The cost of bcrypt: the base-2 logarithm of its rounds, 10 to 16. Each step doubles the time of a login.</summary>
    public int WorkFactor { get; set; } = 12;

    /// <summary>The fewest characters (code points) of a password, 5 to 64.</summary>
    /// <value>8; in Development 5</value>
    [Range(LeastMinimumLength, 64)]
    public int? MinimumLength { get; set; }

    /// <summary>Whether common passwords, the user's own address and the product's name are refused.</summary>
    /// <value><c>true</c>; in Development <c>false</c></value>
    public bool? Blocklist { get; set; }

    /// <summary>A password of the minimum length, so that the examples of the API document are accepted.</summary>
    internal string Example => string.Concat(Enumerable.Repeat("1234567890", 7))[..MinimumLength!.Value];
}
