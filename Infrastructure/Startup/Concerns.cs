using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Authentication;
using Profiles.Infrastructure.Database;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Health;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Json;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.Pages;
using Profiles.Infrastructure.Passkeys;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Telemetry;
using Profiles.Infrastructure.Tokens;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Infrastructure.Startup;

/// <summary>Registers the services of every concern that the slices share.</summary>
static class Concerns
{
    public static IServiceCollection AddConcerns(this IServiceCollection services, IConfiguration configuration) => services
        .AddSettings().AddTelemetry().AddErrors().AddJson().AddDatabase()
        .AddAdminKeys(configuration).AddAuditLog()
        .AddTokens().AddPasswords().AddSecurityEvents().AddSessions().AddPasskeys()
        .AddAuth().AddLimits().AddIdempotencyKeys().AddSecondFactors()
        // After the other background services: handling the outbox may block a thread that they need to start.
        .AddWebhooks().AddMail().AddImages().AddDecoding()
        .AddIdentities(configuration).AddAccounts().AddEditing().AddPages()
        .AddHealth().AddExplorer(configuration);
}
