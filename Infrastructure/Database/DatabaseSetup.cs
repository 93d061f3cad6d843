using FastEndpoints;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Data.PostgreSql;
using Profiles.Data.Sqlite;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Database;

/// <summary>Registers the database that the settings name.</summary>
static class DatabaseSetup
{
    /// <summary>The size of the pool; each context keeps its connection to the file, and with it some memory.</summary>
    const int SqlitePoolSize = 128;

    public static IServiceCollection AddDatabase(this IServiceCollection services)
    {
        services.AddSection<DatabaseOptions>("Database").Validate(
            o => o.Timeout.TotalSeconds is >= 3 and <= 60 && o.Timeout.Ticks % TimeSpan.TicksPerSecond == 0,
            "Database__Timeout must be whole seconds between 00:00:03 and 00:01:00.");
        return services
            .AddSingleton(Choose)
            .AddDbContextPool<SqliteProfilesDbContext>(Configure, SqlitePoolSize)
            .AddDbContextPool<PostgreSqlProfilesDbContext>(Configure)
            .AddScoped(provider => provider.GetRequiredService<DatabaseEngine>().Context(provider))
            .AddSingleton<DatabaseStart>()
            .AddHostedService(provider => provider.GetRequiredService<DatabaseStart>());
    }

    /// <summary>
    /// Answers 503 for the slices until the database can be used: without the signing key every token would look forged, and clients would
    /// log out.
    /// </summary>
    public static IApplicationBuilder UseDatabase(this WebApplication app)
    {
        var start = app.Services.GetRequiredService<DatabaseStart>();
        return app.Use((context, next) => !start.Ready.IsCompleted && Reads(context.GetEndpoint())
            ? throw new BusyException("The database is away.")
            : next(context));

        static bool Reads(Endpoint? endpoint) => endpoint?.Metadata is { } metadata
            && (metadata.GetMetadata<EndpointDefinition>() is not null || metadata.GetMetadata<ReadsDatabaseMetadata>() is not null);
    }

    /// <summary>Marks a route that is not a slice but reads the database.</summary>
    public static TBuilder ReadsDatabase<TBuilder>(this TBuilder route) where TBuilder : IEndpointConventionBuilder =>
        route.WithMetadata(new ReadsDatabaseMetadata());

    sealed class ReadsDatabaseMetadata;

    static void Configure(IServiceProvider provider, DbContextOptionsBuilder options)
    {
        provider.GetRequiredService<DatabaseEngine>().Configure(options);
        options.AddInterceptors(provider.GetServices<IInterceptor>());
    }

    static DatabaseEngine Choose(IServiceProvider provider) => Open(
        provider,
        provider.GetRequiredService<IConfiguration>().GetConnectionString("Profiles"),
        provider.GetRequiredService<IOptions<DatabaseOptions>>().Value.Provider);

    /// <summary>The engine of a connection string, which need not be the configured one. Does not connect.</summary>
    public static DatabaseEngine Open(IServiceProvider provider, string? configured, DatabaseProvider? engine)
    {
        var timeout = provider.GetRequiredService<IOptions<DatabaseOptions>>().Value.Timeout;
        var file = provider.GetRequiredService<IOptions<ServiceOptions>>().Value.DatabaseFile;
        var (database, connectionString) = DatabaseAddress.Read(configured, engine, file);
        return database == DatabaseProvider.PostgreSql
            ? new PostgreSqlEngine(connectionString, timeout, provider.GetRequiredService<ILogger<PostgreSqlEngine>>())
            : new SqliteEngine(connectionString, timeout);
    }
}
