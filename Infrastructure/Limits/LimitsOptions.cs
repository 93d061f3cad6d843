namespace Profiles.Infrastructure.Limits;

/// <summary>Settings of what is refused with 429. Each number is counted over all instances, from the first of them until the time is over.</summary>
public sealed class LimitsOptions
{
    /// <summary>No number may be larger.</summary>
    public const int Most = 1_000_000;

    /// <summary>False: nothing is counted and nothing refused, where a gateway before the service does so.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Wrong passwords for one account from one address in 15 minutes.</summary>
    public int LoginFailures { get; set; } = 5;

    /// <summary>Wrong passwords for one account from all addresses in an hour; after that an address has one try, so that its owner still gets in.</summary>
    public int LoginFailuresOfAccount { get; set; } = 50;

    /// <summary>Wrong passwords from one address for all accounts in 15 minutes.</summary>
    public int LoginFailuresOfAddress { get; set; } = 300;

    /// <summary>Registrations from one address in an hour.</summary>
    public int Registrations { get; set; } = 60;

    /// <summary>Requests in an hour that send a mail: from one address, or by one user who is logged in.</summary>
    public int Mails { get; set; } = 100;

    /// <summary>Mails to one address in an hour that its owner asks for: with a link to set a new password, and as many to confirm it. Only those that are sent count; beyond it they are not sent.</summary>
    public int MailsToOne { get; set; } = 5;

    /// <summary>
    /// Mails to one address in an hour that strangers may cause, by registering it or by changing to it; counted like <see cref="MailsToOne"/> and apart from it.
    /// </summary>
    public int MailsOfStrangers { get; set; } = 5;

    /// <summary>Refreshes of one session in ten minutes.</summary>
    public int Refreshes { get; set; } = 600;

    /// <summary>Refreshes with a token of no session, from one address in ten minutes.</summary>
    public int UnknownTokens { get; set; } = 600;

    /// <summary>Confirmations of an address with a mailed token, from one address in ten minutes: behind a carrier's are thousands of phones.</summary>
    public int EmailVerifications { get; set; } = 3000;

    /// <summary>Resets of a password with a mailed token, from one address in ten minutes.</summary>
    public int PasswordResets { get; set; } = 3000;

    /// <summary>Exports of one user's data in an hour.</summary>
    public int Exports { get; set; } = 20;

    /// <summary>Uploads by one user in an hour, those that are refused included.</summary>
    public int Uploads { get; set; } = 100;

    /// <summary>Uploads by one user that one instance takes at a time.</summary>
    public int UploadsAtOnce { get; set; } = 2;

    /// <summary>Passwords that one instance verifies at a time for one account and from one address: fewer than may wait for their hash, so that others have room.</summary>
    public int LoginsAtOnce { get; set; } = 30;

    /// <summary>Requests by one user that one instance takes at a time and that hash a password.</summary>
    public int PasswordsAtOnce { get; set; } = 2;

    /// <summary>Looks at other people's profiles from one address in ten minutes.</summary>
    public int PublicProfiles { get; set; } = 600;
}
