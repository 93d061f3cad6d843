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

    /// <summary>Requests from one address in an hour that send a mail.</summary>
    public int Mails { get; set; } = 100;

    /// <summary>Mails to one address in an hour with a link to set a new password. Only those that are sent count; beyond it they are not sent.</summary>
    public int MailsToOne { get; set; } = 5;

    /// <summary>
    /// Mails to one address in an hour that strangers may cause, by registering it or by changing to it; counted like <see cref="MailsToOne"/> and apart from it.
    /// </summary>
    public int MailsOfStrangers { get; set; } = 5;

    /// <summary>Refreshes of a session from one address in ten minutes.</summary>
    public int Refreshes { get; set; } = 600;

    /// <summary>Exports of data from one address in an hour.</summary>
    public int Exports { get; set; } = 20;

    /// <summary>Looks at other people's profiles from one address in ten minutes.</summary>
    public int PublicProfiles { get; set; } = 600;
}
