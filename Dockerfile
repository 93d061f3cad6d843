# Tests/ContainerTests.cs checks this file without a container engine; the build itself has not been run.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY .editorconfig global.json Directory.Build.props Directory.Build.targets Directory.Packages.props Profiles.csproj packages.lock.json ./
COPY Infrastructure/Decoding/Worker/Profiles.Worker.csproj Infrastructure/Decoding/Worker/packages.lock.json Infrastructure/Decoding/Worker/
RUN dotnet restore Profiles.csproj --locked-mode -p:PublishReadyToRun=true
COPY Program.cs LICENSE ./
COPY docs/licences.md docs/
COPY Data Data
COPY Features Features
COPY Infrastructure Infrastructure
RUN dotnet publish Profiles.csproj --configuration Release --no-restore --output /app -p:PublishReadyToRun=true

FROM mcr.microsoft.com/dotnet/aspnet:10.0
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin profiles \
 && install -d -o profiles -g profiles -m 0700 /data /static
COPY --from=build /app /app
# Without diagnostics the runtime needs no file on a read-only root.
ENV ASPNETCORE_URLS=http://0.0.0.0:8000 \
    DataDirectory=/data \
    Images__Directory=/static \
    Metrics__Address=0.0.0.0 \
    DOTNET_EnableDiagnostics=0
WORKDIR /app
USER profiles
VOLUME ["/data", "/static"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /health/ready HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 \
    && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["/usr/share/dotnet/dotnet", "Profiles.dll"]
