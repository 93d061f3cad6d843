namespace Profiles.Infrastructure.Passwords;

/// <summary>Settings of the passwords.</summary>
public sealed class PasswordOptions
{
    /// <summary>No setting allows shorter passwords than this.</summary>
    public const int LeastMinimumLength = 5;

    /// <summary>bcrypt's cost: the base-2 logarithm of its rounds, 10 to 16. Each step doubles the time of a login.</summary>
    public int WorkFactor { get; set; } = 12;

    /// <summary>In code points, 5 to 64. Null: 8, in Development 5.</summary>
    public int? MinimumLength { get; set; }

    /// <summary>Refuses common passwords, one's own address and this product's name. Null: true, in Development false, where the seed's own example is <c>12345</c>.</summary>
    public bool? Blocklist { get; set; }

    /// <summary>The seeds' own password, or one as long as this service asks for: what the API's document shows can be sent as it stands.</summary>
    internal string Example => string.Concat(Enumerable.Repeat("1234567890", 7))[..MinimumLength!.Value];
}
