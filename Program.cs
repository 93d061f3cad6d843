using FastEndpoints;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Authentication;
using Profiles.Infrastructure.Database;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Health;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Json;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Logging;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Startup;

var builder = WebApplication.CreateBuilder(args);
builder.Logging.AddJsonLog();
builder.ConfigureServer();
builder.Services
    .AddSettings(builder.Environment)
    .AddErrors()
    .AddDatabase()
    .AddAuth().AddLimits().AddIdempotencyKeys()
    .AddImages()
    .AddHealth()
    .AddExplorer()
    .AddFastEndpoints();

try
{
    await using var app = builder.Build();
    if (args is [StoreCheck.Command])
        return await StoreCheck.RunAsync(app);
    await app.PrepareAsync();

    app.UseMiddleware<RequestLog>();
    app.UseBasePath().UseSafeHeaders().UseHangUps();
    app.UseErrors().UseForwardedAddresses();
    app.UseAllowedHosts();
    app.UseHiddenTestRoute().UseHead();
    app.MapExplorer();
    app.UseRouting().UseCors();
    app.UseBodyDeadline().UseDeclaredMediaTypes().UseContentCodings();
    app.UseDatabase().UseAddressLimits();
    app.UseAuthentication().UseAuthorization().UseUserLimits().UseIdempotencyKeys();
    app.MapHealth();
    app.MapLocalImages();
    app.UseFastEndpoints(c =>
    {
        c.Endpoints.NameGenerator = OpenApiSetup.OperationId;
        c.Endpoints.Configurator = e => e.RequireLiveUser();
        c.Binding.UsePropertyNamingPolicy = true;
        c.Binding.JsonExceptionTransformer = null;
        c.Serializer.RequestDeserializer = StrictJson.ReadAsync;
        c.Errors.ProducesMetadataType = typeof(HttpValidationProblemDetails);
        c.Errors.ResponseBuilder = Problems.Validation;
    });
    await app.ServeAsync();
    return 0;
}
catch (Exception e) when (e is StartException or DatabaseUnusableException or OptionsValidationException)
{
    // A sentence that names the setting; a stack would only hide it.
    await Console.Error.WriteLineAsync($"Profiles cannot start: {e.Message}");
    return 1;
}
