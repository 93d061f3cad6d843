using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Database;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Exporters;
using Profiles.Infrastructure.Health;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Logging;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Startup;

var command = CommandLine.Parse(args);
if (command.IsAnswer)
    return await command.AnswerAsync();
// Settings are read once. Otherwise every file below the working directory would be watched, those of SQLite and of images too.
var builder = WebApplication.CreateBuilder(["--hostBuilder:reloadConfigOnChange=false", .. command.Settings]);
// The standard output of a command is its result.
builder.Logging.AddJsonLog(toStandardError: command.Command is not null);
builder.ConfigureServer();
builder.Services.AddConcerns(builder.Configuration).AddSlices(builder.Configuration);

try
{
    if (command.Command is null)
        builder.AddExporters();
    await using var app = builder.Build();
    if (command.Command is not null)
        return await app.RunAsync(command);
    var decoding = await app.PrepareAsync();

    app.UseMiddleware<RequestLog>();
    app.UseBasePath().UseSafeHeaders().UseClientDisconnects();
    app.UseErrors().UseForwardedAddresses();
    app.UseExtraListeners();
    app.UseAllowedHosts(HealthSetup.Paths);
    app.UseHiddenTestRoute().UseHead();
    app.MapExplorer();
    app.UseRouting().UseCors();
    app.UseBodyDeadline().UseDeclaredMediaTypes().UseContentCodings();
    app.UseDatabase().UseAddressLimits().UseAdminKeyLimits();
    app.UseAuthorization().UseFreshLogins().UseUserLimits().UseIdempotencyKeys();
    app.MapHealth();
    app.MapMetrics();
    app.MapLocalImages();
    app.UseSlices();
    await decoding;
    await app.ServeAsync();
    return 0;
}
catch (Exception e) when (e is StartException or DatabaseUnusableException or OptionsValidationException)
{
    // A sentence that names the setting; a stack would only hide it.
    await Console.Error.WriteLineAsync(command.Command is null ? $"Profiles cannot start: {e.Message}" : e.Message);
    return 1;
}
