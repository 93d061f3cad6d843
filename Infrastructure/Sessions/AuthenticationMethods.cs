namespace Profiles.Infrastructure.Sessions;

/// <summary>How a person proves who they are: values of RFC 8176, separated by spaces.</summary>
static class AuthenticationMethods
{
    public const string Password = "pwd";

    /// <summary>A code that is valid once: of a mail, or of an app.</summary>
    public const string Code = "otp";

    /// <summary>A provider has done it, and does not say how.</summary>
    public const string Identity = "";

    /// <summary>A guest proves nothing.</summary>
    public const string Guest = "";

    /// <summary>A passkey in a device, which has verified the person: two factors in one.</summary>
    public const string DeviceBoundPasskey = "hwk user mfa";

    /// <summary>The same, of a passkey that may be copied among the person's devices.</summary>
    public const string SyncedPasskey = "swk user mfa";

    const string MultipleFactors = "mfa";

    /// <summary>Whether they are more than one factor.</summary>
    public static bool AreMultiple(string? methods) => methods?.Split(' ').Contains(MultipleFactors) ?? false;

    /// <summary>The methods of a person who has given the code of a second factor after these.</summary>
    public static string WithSecondFactor(string methods) =>
        string.Join(' ', methods.Split(' ', StringSplitOptions.RemoveEmptyEntries).Append(Code).Append(MultipleFactors).Distinct());
}
