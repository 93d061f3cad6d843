namespace Profiles.Infrastructure.Telemetry;

/// <summary>Registers the service's own meter.</summary>
static class TelemetrySetup
{
    public static IServiceCollection AddTelemetry(this IServiceCollection services) => services.AddSingleton<ServiceMetrics>();
}
