using System.ComponentModel.DataAnnotations;

namespace Profiles.Infrastructure.Limits;

/// <summary>
/// Settings of the limits that are answered 429. Each number, 1 to 1000000, is counted across all instances from the first request until
/// its time is over, unless it says "one instance".
/// </summary>
public sealed class LimitsOptions
{
    /// <summary>The largest allowed number.</summary>
    public const int Most = 1_000_000;

    /// <summary>Whether limits are enforced. <c>false</c> leaves them to a gateway in front of the service.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Wrong passwords, and apart from them wrong codes of mails, for one account from one address in 15 minutes.</summary>
    [Range(1, Most)]
    public int LoginFailures { get; set; } = 5;

    /// <summary>
    /// Wrong passwords, and apart from them wrong codes, for one account from all addresses in an hour. Beyond it each address has one try,
    /// so that the owner still gets in.
    /// </summary>
    [Range(1, Most)]
    public int LoginFailuresOfAccount { get; set; } = 50;

    /// <summary>Wrong passwords and codes from one address for all accounts in 15 minutes.</summary>
    [Range(1, Most)]
    public int LoginFailuresOfAddress { get; set; } = 300;

    /// <summary>Registrations from one address in an hour.</summary>
    [Range(1, Most)]
    public int Registrations { get; set; } = 60;

    /// <summary>
    /// Guests from one address in an hour. Apps whose users begin as guests behind one carrier's address need a higher number.
    /// </summary>
    [Range(1, Most)]
    public int Guests { get; set; } = 60;

    /// <summary>Requests that send a mail in an hour: from one address, or by one user who is logged in.</summary>
    [Range(1, Most)]
    public int Mails { get; set; } = 100;

    /// <summary>
    /// Mails to one address in an hour that its owner asks for: to set a new password, as many to confirm the address, and as many with a
    /// code to log in. Only mails that are sent count; those beyond the limit are dropped.
    /// </summary>
    [Range(1, Most)]
    public int MailsToOne { get; set; } = 5;

    /// <summary>
    /// Mails to one address in an hour that strangers cause by registering it or changing to it. Counted like <see cref="MailsToOne"/> and
    /// apart from it.
    /// </summary>
    [Range(1, Most)]
    public int MailsOfStrangers { get; set; } = 5;

    /// <summary>Refreshes of one session in ten minutes.</summary>
    [Range(1, Most)]
    public int Refreshes { get; set; } = 600;

    /// <summary>
    /// Refreshes with a token of no session, and second factors with an <c>mfa_token</c> of no login, from one address in ten minutes.
    /// </summary>
    [Range(1, Most)]
    public int UnknownTokens { get; set; } = 600;

    /// <summary>
    /// Confirmations of an address with a mailed token or code, from one client address in ten minutes: thousands of mobile clients share a
    /// carrier's address.
    /// </summary>
    [Range(1, Most)]
    public int EmailVerifications { get; set; } = 3000;

    /// <summary>Password resets with a mailed token or code from one address in ten minutes.</summary>
    [Range(1, Most)]
    public int PasswordResets { get; set; } = 3000;

    /// <summary>
    /// Logins with an identity token of Apple, Google or another issuer from one address in ten minutes, and as many links by one user.
    /// </summary>
    [Range(1, Most)]
    public int IdTokens { get; set; } = 3000;

    /// <summary>Requests to log in with a passkey from one address in ten minutes; a login takes two.</summary>
    [Range(1, Most)]
    public int PasskeyLogins { get; set; } = 6000;

    /// <summary>
    /// Codes of an authenticator app that are tried for one account in an hour, from all addresses: a thief who knows the password guesses
    /// no faster. A right code starts the count again. Beyond it right codes are refused, too; recovery codes are not.
    /// </summary>
    [Range(1, Most)]
    public int SecondFactorCodes { get; set; } = 10;

    /// <summary>Exports of one user's data in an hour.</summary>
    [Range(1, Most)]
    public int Exports { get; set; } = 20;

    /// <summary>Uploads by one user in an hour, refused ones included.</summary>
    [Range(1, Most)]
    public int Uploads { get; set; } = 100;

    /// <summary>Uploads by one user that one instance takes at a time.</summary>
    [Range(1, Most)]
    public int UploadsAtOnce { get; set; } = 2;

    /// <summary>
    /// Passwords that one instance verifies at a time for one account from one address. The default is less than the queue for hashing
    /// holds, so that others have room in it.
    /// </summary>
    [Range(1, Most)]
    public int LoginsAtOnce { get; set; } = 30;

    /// <summary>Requests by one user that hash a password and that one instance takes at a time.</summary>
    [Range(1, Most)]
    public int PasswordsAtOnce { get; set; } = 2;

    /// <summary>Requests for public profiles from one address in ten minutes.</summary>
    [Range(1, Most)]
    public int PublicProfiles { get; set; } = 600;

    /// <summary>
    /// Wrong admin keys from one address in ten minutes. Beyond it the admin API refuses the right ones too.
    /// </summary>
    [Range(1, Most)]
    public int AdminKeyFailures { get; set; } = 100;

    /// <summary>
    /// Wrong admin keys from one address in ten minutes at <c>POST /token/introspect</c>. Beyond it the right ones are refused there too.
    /// </summary>
    [Range(1, Most)]
    public int IntrospectionFailures { get; set; } = 100;
}
