using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Data;

/// <summary>Registers the database and brings it up to date.</summary>
static class DatabaseSetup
{
    /// <summary>How long a request waits for another's write before it is answered 503, in seconds.</summary>
    const int BusyTimeoutSeconds = 5;

    public static IServiceCollection AddDatabase(this IServiceCollection services) =>
        services.AddDbContextPool<ProfilesDbContext>((provider, options) => options
            .UseSqlite(ConnectionString(provider))
            .AddInterceptors(new DurableWrites()));

    /// <summary>Applies the migrations; a failure stops the start.</summary>
    public static async Task MigrateAsync(this WebApplication app)
    {
        using var scope = app.Services.CreateScope();
        var database = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>().Database;
        await database.MigrateAsync();
        // Kept in the file: readers do not wait for the writer.
        await database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL");
    }

    static string ConnectionString(IServiceProvider provider)
    {
        var service = provider.GetRequiredService<IOptions<ServiceOptions>>().Value;
        var configured = provider.GetRequiredService<IConfiguration>().GetConnectionString("Profiles");
        try
        {
            return new SqliteConnectionStringBuilder(configured ?? $"Data Source={service.DatabaseFile}") { DefaultTimeout = BusyTimeoutSeconds }.ToString();
        }
        catch (ArgumentException)
        {
            // Its message would show the value, which may hold a password.
            throw new StartException("ConnectionStrings__Profiles is not a connection string for SQLite (Data Source=…).");
        }
    }

    // An acknowledged write survives a power cut: with WAL that needs FULL, which SQLite sets per connection.
    sealed class DurableWrites : DbConnectionInterceptor
    {
        public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA synchronous=FULL";
            command.ExecuteNonQuery();
        }

        public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            ConnectionOpened(connection, eventData);
            return Task.CompletedTask;
        }
    }
}
